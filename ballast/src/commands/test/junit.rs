//! What came of the tests as `JUnit`'s XML, which CI servers read.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::Tested;

/// A suite for each scenario, a case for each expectation.
pub(super) fn report(tested: &[Tested]) -> anyhow::Result<String> {
    let mut report = Report::new("ballast test");
    for one in tested {
        let mut suite = TestSuite::new(format!("{} ({})", one.scenario, one.policy));
        suite.set_time(one.took);
        if let Some(error) = &one.error {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_message(error.as_str());
            suite.add_test_case(TestCase::new("runs", status));
        }
        for verdict in &one.verdicts {
            let mut status = if verdict.met {
                TestCaseStatus::success()
            } else {
                TestCaseStatus::non_success(NonSuccessKind::Failure)
            };
            if !verdict.met {
                let judgement = verdict.judgement();
                status.set_message(judgement.found.as_str());
                if let Some(decision) = &verdict.decision {
                    let lines: Vec<&str> = decision.rules.iter().chain(&decision.guards).map(String::as_str).collect();
                    status.set_description(format!("{decision}\n{}", lines.join("\n")));
                }
            }
            suite.add_test_case(TestCase::new(verdict.expected.as_str(), status));
        }
        report.add_test_suite(suite);
    }
    Ok(report.to_string()?)
}
