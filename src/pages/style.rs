//! How the pages look.

/// The stylesheet of the pages, which they ask for at `BASE/style.css`; for an app that uses a page and not the routes.
///
/// ```
/// assert!(housekey::pages::stylesheet().contains("prefers-color-scheme"));
/// ```
#[must_use]
pub fn stylesheet() -> &'static str {
    include_str!("../../templates/pages/style.css")
}

/// Another one for each stylesheet, so that browsers may keep it for good (FNV-1a).
pub(crate) const VERSION: u32 = {
    let text = include_bytes!("../../templates/pages/style.css");
    let (mut hash, mut at) = (0x811c_9dc5_u32, 0);
    while at < text.len() {
        hash = (hash ^ text[at] as u32).wrapping_mul(0x0100_0193);
        at += 1;
    }
    hash
};
