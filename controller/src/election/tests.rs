use std::collections::VecDeque;
use std::ops::Range;

use proptest::prelude::*;
use rstest::rstest;

use super::*;

const S: fn(u64) -> Duration = Duration::from_secs;

/// An identity with this text.
fn identity(text: &str) -> Identity {
    Identity {
        text: text.to_owned(),
        place: None,
    }
}

fn claim(holder: &str) -> Claim {
    Claim {
        holder: Some(holder.to_owned()),
        ..Claim::default()
    }
}

/// What a replica was told, in seconds after a start.
#[derive(Clone, Copy)]
enum Told {
    Nothing,
    Refused,
    Absent,
    Released,
    /// The Lease is held by somebody.
    Saw(&'static str, u64),
    /// The Lease says something new: it was renewed.
    SawRenewed(&'static str, u64),
    /// Its holder asks for so many seconds.
    SawFor(u64, &'static str, u64),
    Wrote(u64),
}

fn told(election: &mut Election, told: Told, start: Instant) {
    match told {
        Told::Nothing => {}
        Told::Refused => election.refused(),
        Told::Absent => election.saw(None, start),
        Told::Released => election.saw(Some(claim("")), start),
        Told::Saw(holder, at) => election.saw(Some(claim(holder)), start + S(at)),
        Told::SawRenewed(holder, at) => {
            let renewed = Timestamp::from_second(i64::try_from(at).unwrap()).unwrap();
            let claim = Claim {
                renewed: Some(renewed),
                ..claim(holder)
            };
            election.saw(Some(claim), start + S(at));
        }
        Told::SawFor(lasts, holder, at) => {
            let claim = Claim {
                lasts: Some(S(lasts)),
                ..claim(holder)
            };
            election.saw(Some(claim), start + S(at));
        }
        Told::Wrote(at) => election.wrote(start + S(at)),
    }
}

/// A [`Step`] in seconds after the start.
#[derive(Debug, PartialEq)]
enum Expected {
    Look,
    Acquire,
    Follow(u64),
    Lead(u64, u64),
    Unelected,
}

#[rstest]
#[case::at_the_start(&[Told::Nothing], 0, Expected::Look)]
#[case::there_is_no_lease(&[Told::Absent], 0, Expected::Acquire)]
#[case::it_was_given_back(&[Told::Saw("b", 0), Told::Released], 0, Expected::Acquire)]
#[case::somebody_leads(&[Told::Saw("b", 3)], 4, Expected::Follow(13))]
#[case::and_says_nothing_new(&[Told::Saw("b", 3), Told::Saw("b", 12)], 12, Expected::Follow(13))]
#[case::until_it_has_run_out(&[Told::Saw("b", 3), Told::Saw("b", 12)], 13, Expected::Acquire)]
#[case::but_renews(&[Told::Saw("b", 3), Told::SawRenewed("b", 12)], 13, Expected::Follow(22))]
#[case::or_is_followed_by_another(&[Told::Saw("b", 3), Told::Saw("c", 12)], 13, Expected::Follow(22))]
#[case::who_asks_for_more_time_gets_it(&[Told::SawFor(60, "b", 3)], 62, Expected::Follow(63))]
#[case::who_asks_for_less_gets_ours(&[Told::SawFor(1, "b", 3)], 12, Expected::Follow(13))]
#[case::we_lead_from_the_sending(&[Told::Wrote(3)], 4, Expected::Lead(9, 5))]
#[case::until_the_deadline(&[Told::Wrote(3)], 9, Expected::Acquire)]
#[case::a_renewal_moves_it_on(&[Told::Wrote(3), Told::Wrote(5)], 9, Expected::Lead(11, 7))]
#[case::our_own_name_changes_nothing(&[Told::Wrote(3), Told::SawRenewed("a", 8)], 8, Expected::Lead(9, 5))]
#[case::our_name_from_a_lost_answer(&[Told::Saw("b", 0), Told::Saw("a", 12)], 12, Expected::Acquire)]
#[case::another_name_ends_it_at_once(&[Told::Wrote(3), Told::Saw("b", 4)], 4, Expected::Follow(14))]
#[case::a_deleted_lease_ends_it_at_once(&[Told::Wrote(3), Told::Absent], 4, Expected::Acquire)]
#[case::forbidden_from_the_start(&[Told::Refused], 0, Expected::Unelected)]
#[case::one_refusal_later_is_chance(&[Told::Wrote(0), Told::Refused], 3, Expected::Lead(6, 2))]
#[case::two_are_not(&[Told::Wrote(0), Told::Refused, Told::Refused], 9, Expected::Unelected)]
#[case::with_an_answer_between_they_are(
    &[Told::Saw("b", 0), Told::Refused, Told::Saw("b", 2), Told::Refused], 4, Expected::Follow(10)
)]
#[case::granted_again(&[Told::Refused, Told::Saw("b", 40)], 41, Expected::Follow(50))]
fn what_is_known_says_what_to_do(
    #[case] news: &[Told],
    #[case] at: u64,
    #[case] expected: Expected,
) {
    let start = Instant::now();
    let mut election = Election::new(identity("a"), Timing::DEFAULT);
    for news in news {
        told(&mut election, *news, start);
    }
    let seconds = |instant: Instant| (instant - start).as_secs();
    let step = match election.step(start + S(at)) {
        Step::Look => Expected::Look,
        Step::Acquire => Expected::Acquire,
        Step::Follow { until } => Expected::Follow(seconds(until)),
        Step::Lead { until, renew_at } => Expected::Lead(seconds(until), seconds(renew_at)),
        Step::LeadUnelected => Expected::Unelected,
    };
    assert_eq!(step, expected);
}

#[rstest]
#[case::an_earlier_process_of_our_pod_is_dead(Some("uid"), "pod_uid_1", true)]
#[case::a_namesake_may_live(Some("uid"), "pod_other_1", false)]
#[case::so_may_whoever_knows_no_pod(Some("uid"), "pod_1", false)]
#[case::without_a_pod_nobody_is_known_to_be_dead(None, "pod_1", false)]
fn who_holds_the_lease_may_be_known_to_be_dead(
    #[case] place: Option<&str>,
    #[case] holder: &str,
    #[case] dead: bool,
) {
    let now = Instant::now();
    let mut election = Election::new(Identity::new("pod", place, "2"), Timing::DEFAULT);
    election.saw(Some(claim(holder)), now);
    assert_eq!(election.step(now) == Step::Acquire, dead);
}

#[test]
fn a_leader_stops_well_before_anybody_follows_it() {
    let Timing {
        lease,
        renew_deadline,
        retry,
    } = Timing::DEFAULT;
    assert!(retry * 2 < renew_deadline, "a renewal may fail once");
    assert!(renew_deadline.mul_f64(1.5) < lease, "clocks may differ");
}

/// The one Lease, as an API server keeps it.
#[derive(Default)]
struct Server {
    version: u64,
    claim: Option<Claim>,
}

/// What happens to a request on its way, in ticks.
#[derive(Clone, Copy, Debug)]
struct Fate {
    there: u32,
    back: u32,
    /// Neither gets through, or only the answer does not.
    lost: Lost,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Lost {
    Nothing,
    Request,
    Answer,
}

enum Asked {
    Read,
    Write { onto: u64, claim: Claim },
}

#[derive(Clone)]
enum Answer {
    Lease(u64, Option<Claim>),
    Written(u64),
    Conflict,
}

struct Request {
    asked: Option<Asked>,
    sent: Instant,
    arrives: u32,
    answered: u32,
    lost: Lost,
    answer: Option<Answer>,
}

/// A replica: what [`crate::kubernetes`] does around an [`Election`], with a clock that runs at its own speed.
struct Replica {
    election: Election,
    /// Its clock at tick 0, and how many of its milliseconds a tick takes.
    start: Instant,
    tick: f64,
    known: Option<u64>,
    request: Option<Request>,
    /// Given up, and still on their way.
    strays: Vec<(u32, Asked)>,
    next: Instant,
    written: i64,
    pause: Range<u32>,
}

const TICK: f64 = 50.0;
/// The client gives up.
const TIMEOUT: u32 = 60;

impl Replica {
    fn now(&self, tick: u32) -> Instant {
        self.start + Duration::from_secs_f64(self.tick * f64::from(tick) / 1000.0)
    }

    /// The process stands still, as under SIGSTOP: its requests go on, and its clock does.
    fn is_paused(&self, tick: u32) -> bool {
        self.pause.contains(&tick)
    }

    fn leads(&self, tick: u32) -> bool {
        self.election.step(self.now(tick)).tenure().is_some()
    }

    fn act(&mut self, tick: u32, server: &mut Server, fates: &mut VecDeque<Fate>) {
        let now = self.now(tick);
        let late = self.strays.extract_if(.., |(arrives, _)| *arrives == tick);
        for (_, asked) in late {
            server.answer(asked);
        }
        let paused = self.is_paused(tick);
        if let Some(request) = &mut self.request {
            if request.arrives == tick && request.lost != Lost::Request {
                request.answer = request.asked.take().map(|asked| server.answer(asked));
            }
            if paused {
                return;
            }
            if request.answered <= tick {
                let mut request = self.request.take().unwrap();
                if let Some(asked) = request.asked.take()
                    && request.lost == Lost::Answer
                {
                    self.strays.push((request.arrives, asked));
                }
                self.take(&request, now);
            }
            return;
        }
        if self.next > now || paused {
            return;
        }
        let asked = match (self.election.step(now), self.known) {
            (Step::Lead { renew_at, .. }, _) if renew_at > now => return,
            (Step::Lead { .. } | Step::Acquire, Some(onto)) => {
                self.written += 1;
                Asked::Write {
                    onto,
                    claim: Claim {
                        holder: Some(self.election.identity().to_owned()),
                        renewed: Some(Timestamp::from_second(self.written).unwrap()),
                        ..Claim::default()
                    },
                }
            }
            _ => Asked::Read,
        };
        if matches!(asked, Asked::Write { .. }) {
            self.known = None;
        }
        let fate = fates.pop_front().unwrap_or(Fate {
            there: 1,
            back: 1,
            lost: Lost::Nothing,
        });
        let arrives = tick + 1 + fate.there;
        self.request = Some(Request {
            asked: Some(asked),
            sent: now,
            arrives,
            answered: match fate.lost {
                Lost::Nothing => arrives + 1 + fate.back,
                Lost::Request | Lost::Answer => tick + TIMEOUT,
            },
            lost: fate.lost,
            answer: None,
        });
        self.next = now + self.election.timing().retry;
    }

    fn take(&mut self, request: &Request, now: Instant) {
        let answer = request
            .answer
            .clone()
            .filter(|_| request.lost == Lost::Nothing);
        match answer {
            Some(Answer::Lease(version, claim)) => {
                self.election.saw(claim, now);
                self.known = Some(version);
                self.next = now;
                if let Step::Follow { until } = self.election.step(now) {
                    self.next = until.min(now + self.election.timing().retry);
                }
            }
            Some(Answer::Written(version)) => {
                self.election.wrote(request.sent);
                self.known = Some(version);
            }
            Some(Answer::Conflict) => self.next = now,
            None => {}
        }
    }
}

impl Server {
    fn answer(&mut self, asked: Asked) -> Answer {
        match asked {
            Asked::Read => Answer::Lease(self.version, self.claim.clone()),
            Asked::Write { onto, claim } if onto == self.version => {
                self.version += 1;
                self.claim = Some(claim);
                Answer::Written(self.version)
            }
            Asked::Write { .. } => Answer::Conflict,
        }
    }
}

fn fate() -> impl Strategy<Value = Fate> {
    let lost = prop_oneof![
        6 => Just(Lost::Nothing),
        1 => Just(Lost::Request),
        1 => Just(Lost::Answer),
    ];
    // Up to a minute on the way: much longer than any span of the election.
    let delay = || prop_oneof![4 => 0..20_u32, 1 => 0..1200_u32];
    (delay(), delay(), lost).prop_map(|(there, back, lost)| Fate { there, back, lost })
}

/// What is peculiar to a replica.
#[derive(Clone, Debug)]
struct Habit {
    /// When it starts to take part.
    from: u32,
    /// How fast its clock runs.
    speed: f64,
    /// When it stands still.
    pause: Range<u32>,
}

fn replicas() -> impl Strategy<Value = Vec<Habit>> {
    let habit = (0..400_u32, 0.8..1.25_f64, 0..2000_u32, 0..600_u32).prop_map(
        |(from, speed, begin, length)| Habit {
            from,
            speed,
            pause: begin..begin + length,
        },
    );
    prop::collection::vec(habit, 2..4)
}

struct Run {
    replicas: Vec<(u32, Replica)>,
    server: Server,
    fates: VecDeque<Fate>,
    tick: u32,
}

impl Run {
    fn new(replicas: &[Habit], fates: Vec<Fate>) -> Self {
        let origin = Instant::now();
        let replicas = replicas.iter().enumerate().map(|(number, habit)| {
            // Their clocks have nothing to do with each other.
            let start = origin + Duration::from_secs(1000 * number as u64);
            let replica = Replica {
                election: Election::new(identity(&format!("replica-{number}")), Timing::DEFAULT),
                start,
                tick: TICK * habit.speed,
                known: None,
                request: None,
                strays: Vec::new(),
                next: start,
                written: 0,
                pause: habit.pause.clone(),
            };
            (habit.from, replica)
        });
        Self {
            replicas: replicas.collect(),
            server: Server::default(),
            fates: fates.into(),
            tick: 0,
        }
    }

    fn step(&mut self) {
        self.tick += 1;
        for (from, replica) in &mut self.replicas {
            if *from <= self.tick {
                replica.act(self.tick, &mut self.server, &mut self.fates);
            }
        }
    }

    fn leaders(&self) -> usize {
        let leads = |(_, replica): &&(u32, Replica)| replica.leads(self.tick);
        self.replicas.iter().filter(leads).count()
    }
}

proptest! {
    /// Whatever is delayed or lost, whoever stands still, whatever the clocks show and however fast they run (within a
    /// ratio of 1.56).
    #[test]
    fn there_are_never_two_leaders(
        replicas in replicas(),
        fates in prop::collection::vec(fate(), 0..120),
    ) {
        let mut run = Run::new(&replicas, fates);
        for _ in 0..4000 {
            run.step();
            prop_assert!(run.leaders() <= 1, "{} leaders at tick {}", run.leaders(), run.tick);
        }
    }

    /// When the network is well again, somebody leads soon and for good.
    #[test]
    fn there_is_a_leader_soon_after_trouble(
        replicas in replicas(),
        fates in prop::collection::vec(fate(), 0..40),
    ) {
        let mut run = Run::new(&replicas, fates);
        while !run.fates.is_empty() {
            run.step();
        }
        // What is still on its way, and the longest wait of a slow clock.
        for _ in 0..(2500 + 400) {
            run.step();
        }
        for _ in 0..1000 {
            run.step();
            prop_assert_eq!(run.leaders(), 1);
        }
    }
}
