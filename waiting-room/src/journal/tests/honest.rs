//! Honest histories are found to be honest, and told as they were.

use proptest::prelude::*;

use super::{
    history::{Step, history, some_cases, steps},
    *,
};

proptest! {
    #![proptest_config(some_cases())]

    #[test]
    fn an_honest_history_has_no_finding(steps in steps()) {
        let entries = history(&steps);
        let report = verified(&entries);
        prop_assert!(report.is_clean(), "{report}");
        prop_assert_eq!(report.entries, entries.len() as u64);
        prop_assert_eq!(report.calls.all(), entries.iter().map(Entry::calls).sum::<u64>());
    }

    /// What is told of a number is what a plain walk over the entries finds.
    #[test]
    fn the_story_of_a_number_is_true(steps in steps(), number in 0_u64..200) {
        let entries = history(&steps);
        let (lines, _) = write(&entries);
        let report = read(&lines, Verifier::new().about(number));
        let story = report.of_number(number).expect("it was watched");
        let is_called = |entry: &&Entry| {
            entry.passed().any(|passed| passed.has_called(number))
                || entry.late.contains(&number)
                || entry.first.iter().any(|first| first.number == number)
        };
        let calls: Vec<_> = entries.iter().filter(is_called).map(|entry| entry.at).collect();
        prop_assert_eq!(story.calls.iter().map(|call| call.at).collect::<Vec<_>>(), calls.clone());
        let given = entries.iter().find(|entry| entry.given > number).map(|entry| entry.at);
        prop_assert_eq!(story.given_by, given);
        let before: Vec<_> = entries.iter().take_while(|entry| !is_called(entry)).collect();
        let above = |passed: &Passed| (number + 1..passed.to()).filter(|n| passed.has_called(*n)).count();
        let main: usize = before.iter().flat_map(|entry| entry.passed().map(above)).sum();
        prop_assert_eq!(story.before.main, main as u64);
        // Nobody is overtaken in the main lane before their number was passed.
        let passed = before.iter().any(|entry| entry.passed().any(|p| number < p.to()));
        prop_assert!(main == 0 || passed);
    }
}

#[test]
fn the_histories_have_everything_in_them() {
    let mut steps = vec![Step::Join(30), Step::Away(4), Step::Away(9), Step::Nothing];
    steps.extend([
        Step::First(7),
        Step::Pause,
        Step::Join(5),
        Step::Resume,
        Step::Tune(3, 8),
    ]);
    steps.extend([
        Step::Sleep(30_000),
        Step::Tune(20, 50),
        Step::Nothing,
        Step::Back(0),
        Step::Nothing,
    ]);
    steps.extend([
        Step::Sleep(9_000),
        Step::Tune(25, 60),
        Step::First(3),
        Step::Sleep(70_000),
    ]);
    steps.extend([Step::Nothing, Step::Nothing, Step::Join(2), Step::Join(2)]);
    let entries = history(&steps);
    let has = |what: fn(&Entry) -> bool| entries.iter().any(what);
    assert!(has(|e| e.arrived.is_some()), "arrivals");
    assert!(
        has(|e| e.called.as_ref().is_some_and(|c| c.which().is_some())),
        "skips"
    );
    assert!(has(|e| !e.late.is_empty()), "late calls");
    assert!(has(|e| !e.first.is_empty()), "first calls");
    assert!(has(|e| e.why == Some(Why::PAUSED)), "pauses");
    assert!(
        has(|e| e
            .limits
            .active
            .is_some_and(|limit| e.active > u64::from(limit))),
        "lowered limits"
    );
    assert!(verified(&entries).is_clean());
}

#[test]
fn a_tick_without_news_is_not_written() {
    let limits = Limits {
        active: Some(3),
        per_minute: None,
    };
    let entry = Entry {
        limits,
        ..quiet(START)
    };
    assert!(!entry.is_news(limits, None));
    assert!(entry.is_news(Limits::default(), None), "other limits");
    assert!(entry.is_news(limits, Some(&Why::PAUSED)), "another reason");
    let passed = Entry {
        called: Passed::new(0..4, |_| false),
        ..entry.clone()
    };
    assert!(
        passed.is_news(limits, None),
        "nobody called, but four passed over"
    );
}
