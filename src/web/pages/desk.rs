//! What the pages of the desk have in common.

use super::room::Room;
use super::{Answer, Posted};
use crate::auth::Auth;
use crate::desk::Desk;
use crate::error::{Denied, Error};
use crate::pages::{Choice, Message};
use crate::web::head::Head;

/// Why a form is shown again, or why there is no page at all.
pub(super) enum Refused {
    Form(Message),
    Answer(Answer),
}

impl From<Answer> for Refused {
    fn from(answer: Answer) -> Self {
        Self::Answer(answer)
    }
}

impl<H: Head> Room<'_, H> {
    /// Does something at the desk, for who is signed in; others are sent to sign in.
    pub(super) async fn desk<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Desk<'_>) -> Result<R, Error> + Send + 'static,
    ) -> Result<R, Answer> {
        match self.try_desk(work).await {
            Ok(done) => Ok(done),
            Err(Refused::Answer(answer)) => Err(answer),
            Err(Refused::Form(message)) => Err(self.note(message).await),
        }
    }

    /// The same, where what is refused is told in the form.
    pub(super) async fn try_desk<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Desk<'_>) -> Result<R, Error> + Send + 'static,
    ) -> Result<R, Refused> {
        self.user().await?;
        let session = self.session().await.map_err(Answer::from)?;
        let at_the_desk = move |auth: &Auth| work(&Desk::open(auth, &session)?);
        match self.visit.front.work(at_the_desk).await {
            Ok(done) => Ok(done),
            Err(error) => Err(match message_of(&error) {
                // No form mends that.
                Some(Message::NotFound) => Refused::Answer(self.note(Message::NotFound).await),
                Some(message) => Refused::Form(message),
                None => Refused::Answer(error.into()),
            }),
        }
    }
}

/// What of an error is the visitor's to know and to mend.
fn message_of(error: &Error) -> Option<Message> {
    Some(match error {
        Error::Denied { why: Denied::NotStaff } => Message::NotStaff,
        Error::Denied { why: Denied::Lacks(_) } => Message::Lacks,
        Error::Denied { why: Denied::MoreThanYours } => Message::MoreThanYours,
        Error::Denied { why: Denied::Yourself } => Message::Yourself,
        Error::Denied { why: Denied::LastSuperuser } => Message::LastSuperuser,
        Error::UsernameTaken { .. } => Message::UsernameTaken,
        Error::User { .. } => Message::TooLong,
        Error::Group { .. } => Message::GroupNameMissing,
        Error::GroupTaken { .. } => Message::GroupTaken,
        Error::StillReferred { .. } => Message::GroupInUse,
        Error::Unknown { .. } => Message::NotFound,
        _ => return None,
    })
}

/// What of a list is to be after a form that was made of an older state of it: what was ticked or cleared there is
/// changed, and nothing else, whatever others have done meanwhile.
pub(super) fn changed(now: &[String], posted: &Posted, field: &str) -> Vec<String> {
    let (ticked, had) = (posted.all(field), posted.all(&format!("had_{field}")));
    let is_cleared = |name: &str| had.contains(&name) && !ticked.contains(&name);
    let kept = now.iter().filter(|name| !is_cleared(name)).cloned();
    let is_new = |name: &&&str| !had.contains(name) && !now.iter().any(|one| one == **name);
    kept.chain(ticked.iter().filter(is_new).map(|name| (*name).to_owned())).collect()
}

/// All permissions as boxes, of which these are ticked.
pub(super) fn permissions(desk: &Desk<'_>, chosen: &[String]) -> Result<Vec<Choice>, Error> {
    let all = desk.permissions()?.into_iter().map(|(value, label)| Choice {
        is_chosen: chosen.contains(&value),
        is_open: desk.has_perm(&value),
        value,
        label,
    });
    Ok(all.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_form_has_changed_is_changed() {
        let names = |names: &[&str]| -> Vec<String> { names.iter().map(|n| (*n).into()).collect() };
        let posted = Posted::of(b"group=a&group=d&had_group=a&had_group=b&permission=x");
        // `b` was cleared and `d` ticked; `c` was given by somebody else since the form was made, `a` taken.
        assert_eq!(changed(&names(&["a", "b", "c"]), &posted, "group"), ["a", "c", "d"]);
        assert_eq!(changed(&names(&["b", "c"]), &posted, "group"), ["c", "d"]);
        assert_eq!(changed(&names(&["d"]), &posted, "group"), ["d"]);
        assert_eq!(changed(&[], &posted, "permission"), ["x"]);
    }
}
