//! The HTTP API on the wire, by the real program: compat §6 and decision 22.
#![cfg(unix)]

#[expect(
    dead_code,
    reason = "shared with the other test programs, which use other parts"
)]
#[path = "support/site.rs"]
mod site;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use site::{Answer, Site, connect, read_to_end, request};

const NEVER_LIMITED: [&str; 2] = ["--rate-limit=100000", "--rate-limit-burst=100000"];

fn json(object: &sealed_api::SealedSecret) -> Vec<u8> {
    serde_json::to_vec(object).expect("a SealedSecret is JSON")
}

#[test]
fn probes_certificate_and_metrics_have_their_ports() {
    let site = Site::new();
    let running = site.start(&[]);
    let health = running.get("/healthz");
    assert_eq!((health.code, health.body.as_str()), (200, "ok\n"));
    assert_eq!(
        health.header("Content-Type"),
        Some("text/plain; charset=utf-8")
    );
    let certificate = running.get("/v1/cert.pem");
    assert_eq!(
        certificate.header("Content-Type"),
        Some("application/x-pem-file")
    );
    assert_eq!(certificate.body.matches("BEGIN CERTIFICATE").count(), 1);
    let head = request(running.api, "HEAD", "/v1/cert.pem", &[], b"");
    assert_eq!((head.code, head.body.as_str()), (200, ""));
    let unknown = running.get("/metrics");
    assert_eq!(
        (unknown.code, unknown.body.as_str()),
        (404, "404 page not found\n")
    );
    assert_eq!(unknown.header("X-Content-Type-Options"), Some("nosniff"));
    let page = request(running.metrics, "GET", "/metrics", &[], b"");
    assert_eq!(
        page.header("Content-Type"),
        Some("text/plain; version=0.0.4; charset=utf-8; escaping=underscores")
    );
    assert!(
        page.body
            .contains("sealed_secrets_controller_build_info{revision=\"v")
    );
    assert_eq!(
        request(running.metrics, "GET", "/healthz", &[], b"").code,
        404
    );
}

#[test]
fn every_line_is_json_when_asked() {
    let site = Site::new();
    let running = site.start(&["--log-format=json", "--log-level=DEBUG"]);
    running.post("/v1/verify", b"nonsense");
    let log = running.log();
    assert!(log.lines().count() > 3, "{log}");
    for line in log.lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect(line);
        for key in ["time", "level", "msg"] {
            assert!(line[key].is_string(), "{line}");
        }
    }
}

#[test]
fn verify_and_rotate_answer_as_recorded() {
    let site = Site::new();
    let running = site.start(&NEVER_LIMITED);
    let object = running.sealed_object("web", "db", &[("password", "hunter2")]);
    let opens = running.post("/v1/verify", &json(&object));
    assert_eq!(
        (
            opens.code,
            opens.body.as_str(),
            opens.header("Content-Type")
        ),
        (200, "", None)
    );
    let mut renamed = object.clone();
    renamed.metadata.name = Some("other".to_owned());
    let refused = running.post("/v1/verify", &json(&renamed));
    assert_eq!((refused.code, refused.body.as_str()), (409, ""));
    assert_eq!(running.post("/v1/rotate", &json(&renamed)).code, 500);
    assert_eq!(running.post("/v1/verify", b"nonsense").code, 500);
    let rotated = running.post("/v1/rotate", &json(&object));
    assert_eq!(
        (rotated.code, rotated.header("Content-Type")),
        (200, Some("application/json"))
    );
    assert_eq!(
        running.post("/v1/verify", rotated.body.as_bytes()).code,
        200
    );
    let wrong = running.get("/v1/verify");
    assert_eq!((wrong.code, wrong.header("Allow")), (405, Some("POST")));
    assert!(
        running
            .log()
            .contains("msg=\"Re-encrypted SealedSecret\" key=web/db scope=strict peer=127.0.0.1")
    );
}

#[test]
fn a_large_body_is_refused_before_and_while_it_comes() {
    let site = Site::new();
    let running = site.start(&NEVER_LIMITED);
    let mut announced = connect(running.api);
    announced
        .write_all(b"POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\nExpect: 100-continue\r\n\r\n")
        .unwrap();
    let mut start = [0; 12];
    announced.read_exact(&mut start).unwrap();
    assert_eq!(&start, b"HTTP/1.1 413");

    let mut chunked = connect(running.api);
    chunked
        .write_all(b"POST /v1/verify HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n")
        .unwrap();
    let piece = [b"100000\r\n".as_slice(), &vec![b' '; 0x0010_0000], b"\r\n"].concat();
    for _ in 0..4 {
        chunked.write_all(&piece).unwrap();
    }
    chunked.write_all(b"0\r\n\r\n").unwrap();
    assert_eq!(Answer::parse(&read_to_end(chunked)).unwrap().code, 413);
    assert_eq!(running.get("/healthz").code, 200);
}

#[test]
fn a_large_head_is_refused() {
    let site = Site::new();
    let running = site.start(&[]);
    let ask = |size: usize| {
        let head = format!(
            "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Long: {}\r\n\r\n",
            "x".repeat(size)
        );
        let mut stream = connect(running.api);
        // It may be refused before it is all there.
        drop(stream.write_all(head.as_bytes()));
        let mut start = [0; 12];
        stream.read_exact(&mut start).unwrap();
        String::from_utf8(start.to_vec()).unwrap()
    };
    assert_eq!(ask(32 * 1024), "HTTP/1.1 200");
    assert_eq!(ask(200 * 1024), "HTTP/1.1 431");
}

#[test]
fn connections_that_do_nothing_shut_nobody_out() {
    let site = Site::new();
    let running = site.start(&[]);
    for port in [running.api, running.metrics] {
        let held: Vec<TcpStream> = (0..300).map(|_| connect(port)).collect();
        for _ in 0..3 {
            assert_eq!(running.get("/healthz").code, 200);
            assert_eq!(request(port, "GET", "/none", &[], b"").code, 404);
        }
        // Each had its turn, and the first ones made room.
        let mut ended = 0;
        for mut stream in held.iter().take(40) {
            stream
                .set_read_timeout(Some(Duration::from_secs(5)))
                .unwrap();
            ended += usize::from(stream.read(&mut [0]).is_ok_and(|count| count == 0));
        }
        assert_eq!(ended, 40);
    }
}

#[test]
fn an_answer_must_be_taken_in_time() {
    const SIZE: usize = 1_000_000;
    let site = Site::new();
    let running = site.start(&["--write-timeout=500ms"]);
    let object = json(&running.sealed_object("web", "db", &[("large", &"x".repeat(SIZE))]));
    let mut stream = connect(running.api);
    let head = format!(
        "POST /v1/rotate HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n",
        object.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&object).unwrap();
    // A kilobyte now and then, three times as long as an answer may take: always some progress.
    let (mut taken, mut some) = (0, [0; 1024]);
    for _ in 0..75 {
        taken += stream.read(&mut some).unwrap();
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut rest = Vec::new();
    drop(stream.read_to_end(&mut rest));
    assert!(taken + rest.len() < SIZE, "it was given all");
    assert_eq!(running.get("/healthz").code, 200);
}

#[cfg(target_os = "linux")]
#[test]
fn memory_stays_flat_under_bodies_of_a_million_nodes() {
    let site = Site::new();
    let running = site.start(&NEVER_LIMITED);
    let zeros = "0,".repeat(1_500_000);
    let before = running.peak_memory();
    for body in [format!("{{\"a\":[{zeros}0]}}"), format!("[{zeros}0]")] {
        for path in ["/v1/verify", "/v1/rotate"] {
            assert_eq!(running.post(path, body.as_bytes()).code, 413);
        }
    }
    let grown = running.peak_memory() - before;
    assert!(grown < 32 * 1024 * 1024, "{grown} bytes more");
}

#[cfg(target_os = "linux")]
#[test]
fn memory_stays_flat_under_bodies_of_eleven_mebibytes() {
    const BODY: usize = 11 * 1024 * 1024;
    let site = Site::new();
    let running = site.start(&NEVER_LIMITED);
    let piece = [b"100000\r\n".as_slice(), &vec![b' '; 0x0010_0000], b"\r\n"].concat();
    let before = running.peak_memory();
    for _ in 0..5 {
        let mut stream = connect(running.api);
        stream
            .write_all(b"POST /v1/verify HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n")
            .unwrap();
        for _ in 0..BODY / 0x0010_0000 {
            stream.write_all(&piece).unwrap();
        }
        stream.write_all(b"0\r\n\r\n").unwrap();
        assert_eq!(Answer::parse(&read_to_end(stream)).unwrap().code, 413);
    }
    let grown = running.peak_memory() - before;
    assert!(grown < BODY, "{grown} bytes more");
}

#[test]
fn the_rate_is_limited_whatever_headers_claim() {
    let site = Site::new();
    let running = site.start(&["--rate-limit=1"]);
    let body = json(&running.sealed_object("web", "db", &[]));
    let ask = |forwarded: &str| {
        let header = format!("X-Forwarded-For: {forwarded}");
        request(running.api, "POST", "/v1/verify", &[&header], &body)
    };
    let answers: Vec<Answer> = (0..4)
        .map(|n| ask(&format!("192.0.2.{n}, 198.51.100.1")))
        .collect();
    let codes: Vec<u16> = answers.iter().map(|answer| answer.code).collect();
    assert_eq!(codes, [200, 200, 200, 429], "only the last element counts");
    assert_eq!(answers[0].header("X-Ratelimit-Limit"), Some("3"));
    assert_eq!(answers[3].header("X-Ratelimit-Remaining"), Some("0"));
    assert!(answers[3].header("Retry-After").is_some());
    assert_eq!(answers[3].body, "limit exceeded\n");
    assert_eq!(
        ask("198.51.100.2").code,
        200,
        "another client behind the same proxy"
    );
    let allowed = (0..100)
        .filter(|n| ask(&format!("203.0.113.{n}")).code == 200)
        .count();
    assert!(
        (20..60).contains(&allowed),
        "{allowed} of 100 made-up clients"
    );
}

#[test]
fn slow_clients_are_cut_off() {
    let site = Site::new();
    let running = site.start(&["--read-timeout=300ms"]);
    let began = Instant::now();
    let mut head = connect(running.api);
    head.write_all(b"GET /healthz HTTP/1.1\r\nHost:").unwrap();
    drop(read_to_end(head));
    let idle = connect(running.api);
    drop(read_to_end(idle));
    let mut body = connect(running.api);
    body.write_all(b"POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
        .unwrap();
    assert_eq!(Answer::parse(&read_to_end(body)).unwrap().code, 400);
    assert!(
        began.elapsed() < Duration::from_secs(15),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(running.get("/healthz").code, 200);
}

#[test]
fn a_stop_does_not_wait_for_idle_clients() {
    let site = Site::new();
    let running = site.start(&[]);
    let mut idle = connect(running.api);
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    let mut start = [0; 12];
    idle.read_exact(&mut start).unwrap();
    let began = Instant::now();
    assert_eq!(running.stop(), Some(0));
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
}
