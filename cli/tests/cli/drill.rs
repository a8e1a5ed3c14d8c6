//! Whether SealedSecrets open with the keys that are kept, and what is said of those that do not.

use std::fs;

use crate::custody::Custody;

#[test]
fn the_drill_says_what_would_be_lost_and_why() {
    let custody = Custody::new();
    let recipient = custody.recipient();
    custody.ok(&format!(
        "keys backup keys/k1.yaml -r {recipient} -w old.age"
    ));
    custody.seal("git/a.yaml", "web", "app", "rsa2048-a.crt.pem");
    custody.seal("git/b.yaml", "web", "db", "rsa2048-b.crt.pem");
    let moved = custody
        .sandbox
        .read("git/a.yaml")
        .replace("name: app", "name: moved");
    custody.sandbox.write("git/c.yaml", moved);
    custody.sandbox.write(
        "git/d.yaml",
        "kind: SealedSecret\nmetadata: {{ x }}: {{ y }}\n",
    );

    let report = custody.json("keys verify old.age -i identity.txt --dir git --json", 3);
    assert_eq!(
        (&report["objects"], &report["values"], &report["opened"]),
        (&3.into(), &6.into(), &2.into())
    );
    let lost = report["lost"].as_array().unwrap();
    assert_eq!(lost.len(), 2, "{report:#}");
    assert_eq!(
        (&lost[0]["object"], &lost[0]["code"]),
        (&"web/db".into(), &"wrong-key".into())
    );
    assert_eq!(
        lost[0]["hints"][0],
        "it names SHA256:0hhfZ/23yVxxsfcQac+wGzDDyGM0nLw5HmYfJUHM7Ko, which is not among the keys"
    );
    assert_eq!(lost[1]["items"], serde_json::json!(["password", "user"]));
    assert_eq!(
        lost[1]["hints"][0],
        "`password` was sealed for another place: scope strict, namespace web, name app"
    );
    assert_eq!(report["unread"].as_array().unwrap().len(), 1);

    fs::remove_file(custody.sandbox.path("git/b.yaml")).unwrap();
    fs::remove_file(custody.sandbox.path("git/c.yaml")).unwrap();
    let verify = "keys verify old.age -i identity.txt --dir git";
    assert_eq!(
        custody.run(verify).status,
        Some(3),
        "a file that cannot be read may hold anything"
    );
    assert_eq!(
        custody.run(&format!("{verify} --skip-unreadable")).status,
        Some(0)
    );
}

#[test]
fn with_the_key_known_each_value_costs_one_trial() {
    let custody = Custody::new();
    custody.back_up();
    for index in 0..4 {
        let certificate = ["rsa2048-a.crt.pem", "rsa2048-b.crt.pem"][index % 2];
        custody.seal(
            &format!("git/{index}.yaml"),
            "web",
            &format!("s{index}"),
            certificate,
        );
    }
    let report = custody.json("keys verify keys.age -i identity.txt --dir git --json", 0);
    assert_eq!(
        (&report["values"], &report["trials"]),
        (&8.into(), &8.into()),
        "{report:#}"
    );
}

#[test]
fn what_opens_is_printed_ready_to_apply_and_what_does_not_is_told() {
    let custody = Custody::new();
    custody.back_up();
    custody.seal("a.yaml", "web", "app", "rsa2048-a.crt.pem");
    custody.seal("b.yaml", "web", "db", "rsa2048-b.crt.pem");
    let keys = "--recovery-private-key keys.age -i identity.txt";
    custody.ok(&format!("unseal a.yaml b.yaml {keys} -w out.yaml"));
    assert_eq!(custody.mode("out.yaml"), 0o600);
    let text = custody.sandbox.read("out.yaml");
    assert_eq!(text.matches("kind: Secret\n").count(), 2, "{text}");
    assert!(!text.contains("ownerReferences"), "{text}");

    let broken = custody
        .sandbox
        .read("b.yaml")
        .replace("namespace: web", "namespace: prod");
    custody.sandbox.write("b.yaml", broken);
    let outcome = custody.run(&format!("unseal a.yaml b.yaml {keys}"));
    assert_eq!((outcome.status, outcome.stdout.len()), (Some(1), 0));
    assert!(
        outcome.stderr.contains("\nhint: `password` was sealed for another place: scope strict, namespace web, name db\n"),
        "{}",
        outcome.stderr
    );
    let outcome = custody.run(&format!("unseal a.yaml b.yaml {keys} --keep-going"));
    assert_eq!(outcome.status, Some(3));
    assert!(
        outcome.stderr.ends_with("1 of 2 SealedSecrets opened\n"),
        "{}",
        outcome.stderr
    );
    assert!(
        String::from_utf8(outcome.stdout)
            .unwrap()
            .contains("name: app")
    );
}

#[test]
fn what_git_ever_held_counts() {
    let custody = Custody::new();
    let recipient = custody.recipient();
    custody.back_up();
    custody.ok(&format!(
        "keys backup keys/k2.yaml -r {recipient} -w new.age"
    ));
    let git = |line: &str| {
        let words = ["-c", "user.name=t", "-c", "user.email=t@t", "-C", "git"];
        let status = std::process::Command::new("git")
            .args(words)
            .args(line.split_whitespace())
            .current_dir(custody.sandbox.path("."))
            .status();
        assert!(status.unwrap().success(), "git {line}");
    };
    custody.seal("git/a b.yaml", "web", "app", "rsa2048-a.crt.pem");
    git("init --quiet");
    git("add .");
    git("commit --quiet -m one");
    // The same values among other text are no other values.
    let text = custody.sandbox.read("git/a b.yaml");
    custody
        .sandbox
        .write("git/a b.yaml", format!("# app\n{text}"));
    git("commit --quiet -am two");
    custody.seal("git/a b.yaml", "web", "app", "rsa2048-b.crt.pem");
    git("commit --quiet -am three");

    let all = custody.json("keys verify keys.age -i identity.txt --git git --json", 0);
    assert_eq!(
        (&all["values"], &all["opened"]),
        (&4.into(), &4.into()),
        "{all:#}"
    );
    let new = custody.json("keys verify new.age -i identity.txt --git git --json", 3);
    let place = new["lost"][0]["place"].as_str().unwrap();
    assert!(place.starts_with("git: a b.yaml ("), "{place}");
    custody.json("keys verify new.age -i identity.txt --dir git --json", 0);

    let clone = ["clone", "--quiet", "--depth=1"];
    let origin = format!("file://{}", custody.sandbox.path("git").display());
    let status = std::process::Command::new("git")
        .args(clone)
        .arg(origin)
        .arg(custody.sandbox.path("shallow"))
        .status();
    assert!(status.unwrap().success());
    let shallow = custody.run("keys verify new.age -i identity.txt --git shallow");
    assert!(
        shallow.stderr.contains("is a shallow clone"),
        "{}",
        shallow.stderr
    );
}

#[test]
fn whether_files_open_is_told_without_a_cluster() {
    let custody = Custody::new();
    custody.back_up();
    custody.seal("git/a.yaml", "web", "app", "rsa2048-a.crt.pem");
    let moved = custody
        .sandbox
        .read("git/a.yaml")
        .replace("namespace: web", "namespace: prod");
    let verify = "verify git --recovery-private-key keys.age -i identity.txt";
    assert_eq!(
        custody.ok(verify),
        "1 of 1 SealedSecrets open, 2 of 2 values\n"
    );
    custody.sandbox.write("git/b.yaml", moved);
    let report = custody.json(&format!("{verify} --json"), 3);
    assert_eq!(report["lost"][0]["object"], "prod/app");
    assert_eq!(
        report["lost"][0]["hints"][0],
        "`password` was sealed for another place: scope strict, namespace web, name app"
    );
    let words = ["verify", "--recovery-private-key", "keys"];
    let sealed = custody.sandbox.read("git/a.yaml");
    let outcome = custody.sandbox.run("seal", &words, &[], sealed.as_bytes());
    assert_eq!(outcome.status, Some(0), "{}", outcome.stderr);
}

#[test]
fn a_name_cannot_make_up_lines_of_a_report() {
    let custody = Custody::new();
    custody.seal("git/a.yaml", "web", "app", "rsa2048-a.crt.pem");
    let forged = custody
        .sandbox
        .read("git/a.yaml")
        .replace("name: app", r#"name: "db\nretired: everything\e[2J""#);
    custody.sandbox.write("git/a.yaml", forged);
    for line in [
        "keys verify keys --dir git",
        "keys verify keys --dir git --json",
        "inspect git/a.yaml",
        "inspect git/a.yaml --json",
        "unseal git/a.yaml --recovery-private-key keys",
    ] {
        let outcome = custody.run(line);
        let told = String::from_utf8_lossy(&outcome.stdout).into_owned() + &outcome.stderr;
        assert!(told.contains("retired: everything"), "{line}: {told}");
        let is_forged = told.lines().any(|line| line.starts_with("retired"));
        assert!(!is_forged && !told.contains('\u{1b}'), "{line}: {told}");
    }
}
