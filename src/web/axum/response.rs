use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum_core::response::{IntoResponse, Response};
use pin_project_lite::pin_project;

use super::view::rendered;
use crate::web::Visit;
use crate::web::head::Form;
use crate::web::headers::{Headers, mark, stays};
use crate::web::problem::Problem;
use crate::web::visit::End;

/// What is still to come.
type Rest = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

pin_project! {
    /// The answer of a [`HousekeyService`](super::HousekeyService), with what the visit means for it.
    ///
    /// ```
    /// fn is_debug<F>(answer: &housekey::axum::ResponseFuture<F>) -> &dyn std::fmt::Debug {
    ///     answer
    /// }
    /// ```
    pub struct ResponseFuture<F> {
        #[pin]
        stage: Stage<F>,
    }
}

pin_project! {
    #[project = Projected]
    enum Stage<F> {
        /// The handler is at work. Most answers then have nothing to wait for.
        Handled { #[pin] answer: F, visit: Arc<Visit>, form: Form },
        Waits { rest: Rest },
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn handled(answer: F, visit: Arc<Visit>, form: Form) -> Self {
        Self { stage: Stage::Handled { answer, visit, form } }
    }

    pub(super) fn waits(
        rest: impl Future<Output = Result<Response, Infallible>> + Send + 'static,
    ) -> Self {
        Self { stage: Stage::Waits { rest: Box::pin(rest) } }
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseFuture")
    }
}

impl<F, R> Future for ResponseFuture<F>
where
    F: Future<Output = Result<R, Infallible>>,
    R: IntoResponse,
{
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut stage = self.project().stage;
        let mut rest: Rest = match stage.as_mut().project() {
            Projected::Waits { rest } => return rest.as_mut().poll(cx),
            Projected::Handled { answer, visit, form } => {
                let response = ready!(answer.poll(cx))?.into_response();
                if let Some(end) = visit.end_at_once(response.status().as_u16()) {
                    return Poll::Ready(Ok(dressed(visit, *form, end, response)));
                }
                Box::pin(ended(Arc::clone(visit), *form, response))
            }
        };
        let answer = rest.as_mut().poll(cx);
        stage.set(Stage::Waits { rest });
        answer
    }
}

/// What the handler has answered, when what it has changed is saved.
pub(super) async fn ended(
    visit: Arc<Visit>,
    form: Form,
    response: Response,
) -> Result<Response, Infallible> {
    let end = visit.end(response.status().as_u16()).await;
    Ok(dressed(&visit, form, end, response))
}

/// The answer, with what the visit means for it.
pub(super) fn dressed(visit: &Visit, form: Form, end: End, mut response: Response) -> Response {
    if let Some(problem) = end.instead {
        response = problem.into_response();
    }
    mark(response.headers_mut(), &end.outcome);
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        response = in_form(problem, form, &response);
    }
    visit.front.secure(response.headers_mut(), visit.way());
    response
}

/// The same answer in the form that is wanted, with what the app and the visit have added to its headers.
fn in_form(problem: Problem, form: Form, before: &Response) -> Response {
    let mut response = rendered(problem.with_status(before.status().as_u16()), form);
    for (name, value) in before.headers().iter().filter(|(name, _)| stays(name.as_str())) {
        response.headers_mut().append(name, value.clone());
    }
    response.headers_mut().add("vary", "Accept");
    response
}
