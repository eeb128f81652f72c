//! What axe-core, the judge of accessibility, has to say about a page. Scripts of the page's own must be allowed to run.

use super::browser::Browser;

/// What the page that is open does wrong, a line for each place; `None` when this machine has no axe-core.
pub(crate) fn violations(browser: &Browser) -> Option<Vec<String>> {
    let Ok(path) = std::env::var("HOUSEKEY_TEST_AXE") else {
        super::skip("axe-core");
        return None;
    };
    browser.run(&std::fs::read_to_string(path).unwrap(), &[]);
    let found = browser.run_until_told(JUDGE);
    let found = found.as_array().unwrap_or_else(|| panic!("axe-core: {found}"));
    Some(found.iter().map(|line| line.as_str().unwrap().to_owned()).collect())
}

/// Without `preload`, which would ask servers for style sheets.
const JUDGE: &str = r"
    const [done] = arguments;
    const runOnly = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const line = (rule, node) => {
        const where = node.target.flat().join(' ');
        const why = node.failureSummary.replace(/\s+/g, ' ');
        return `${rule.id}: ${rule.help} (${where}): ${why}`;
    };
    axe.run(document, { runOnly, resultTypes: ['violations'], preload: false }).then(
        found => done(found.violations.flatMap(rule => rule.nodes.map(node => line(rule, node)))),
        error => done(String(error)))";
