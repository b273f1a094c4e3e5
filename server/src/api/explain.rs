//! Why a job failed, over all its attempts: what each met, on whose side, and how far it was.

use longhaul_protocol::{FaultCode, JobFault};

use crate::queue::AttemptEnd;

/// Characters of an earlier attempt's message that are told.
const EARLIER: usize = 300;

/// The fault that ended a job, with what the attempts before the last one met.
pub(super) fn explained(fault: &JobFault, failures: &[AttemptEnd]) -> JobFault {
    let mut told = fault.clone();
    // A job that somebody cancelled or gave up is over for that reason, not for its attempts'.
    let Some((last, earlier)) = failures.split_last() else {
        return told;
    };
    if last.fault != *fault || earlier.is_empty() {
        return told;
    }
    let attempts: Vec<_> = earlier.iter().map(in_words).collect();
    told.message = format!(
        "{} (attempt {}, {} side; before it, {})",
        fault.message,
        last.attempt,
        side(fault.code),
        attempts.join("; ")
    );
    told
}

fn in_words(end: &AttemptEnd) -> String {
    let seconds = end.until.duration_since(end.since).as_secs().max(0);
    format!(
        "attempt {} on {} side after {seconds} s and {} bytes: {}",
        end.attempt,
        side(end.fault.code),
        end.bytes,
        end.fault.message.chars().take(EARLIER).collect::<String>()
    )
}

/// Who can do something about it.
const fn side(code: FaultCode) -> &'static str {
    match code {
        FaultCode::SourceMissing | FaultCode::SourceChanged | FaultCode::SourceFailed => {
            "the source's"
        }
        FaultCode::StorageFailed => "the storage's",
        FaultCode::Cancelled
        | FaultCode::Abandoned
        | FaultCode::TimedOut
        | FaultCode::ArtifactExpired
        | FaultCode::WorkerLost
        | FaultCode::Internal
        | FaultCode::Unknown => "this server's",
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn fault(code: FaultCode, message: &str) -> JobFault {
        JobFault {
            code,
            message: message.into(),
            retryable: true,
        }
    }

    fn end(attempt: u32, fault: JobFault) -> AttemptEnd {
        AttemptEnd {
            attempt,
            since: Timestamp::UNIX_EPOCH,
            until: Timestamp::from_second(4).expect("a time"),
            bytes: 7,
            fault,
        }
    }

    #[test]
    fn a_failure_tells_what_each_attempt_met_and_on_whose_side() {
        let last = fault(FaultCode::SourceFailed, "the origin a is down");
        let failures = [
            end(1, fault(FaultCode::StorageFailed, "no room")),
            end(2, last.clone()),
        ];
        let told = explained(&last, &failures);
        assert_eq!(
            told.message,
            "the origin a is down (attempt 2, the source's side; before it, attempt 1 on the \
             storage's side after 4 s and 7 bytes: no room)"
        );
        assert_eq!((told.code, told.retryable), (last.code, true));
    }

    #[test]
    fn a_single_attempt_and_a_cancelled_job_speak_for_themselves() {
        let last = fault(FaultCode::SourceFailed, "no");
        assert_eq!(explained(&last, &[end(1, last.clone())]), last);
        let cancelled = fault(FaultCode::Cancelled, "the job was cancelled");
        let failures = [end(1, last.clone()), end(2, last)];
        assert_eq!(explained(&cancelled, &failures), cancelled);
        assert_eq!(explained(&cancelled, &[]), cancelled);
    }
}
