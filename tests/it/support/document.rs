//! A page as a browser reads it.

use std::collections::BTreeMap;

use html5ever::tendril::TendrilSink;
use html5ever::tokenizer::TokenizerOpts;
use html5ever::tree_builder::TreeBuilderOpts;
use html5ever::{ParseOpts, parse_document};
use markup5ever_rcdom::{Node, NodeData, RcDom};

pub(crate) struct Document {
    /// In the order of the page.
    pub(crate) elements: Vec<Element>,
    /// Where the page is not what the standard wants.
    pub(crate) errors: Vec<String>,
}

#[derive(Default)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: BTreeMap<String, String>,
    /// The texts in it, not those of its elements.
    pub(crate) texts: Vec<String>,
    /// All that can be read in it.
    pub(crate) content: String,
    /// The elements around it, by their places.
    pub(crate) around: Vec<usize>,
}

impl Element {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }
}

impl Document {
    pub(crate) fn of(html: &str) -> Self {
        let options = ParseOpts {
            tokenizer: TokenizerOpts { exact_errors: true, ..TokenizerOpts::default() },
            tree_builder: TreeBuilderOpts { exact_errors: true, ..TreeBuilderOpts::default() },
        };
        let dom = parse_document(RcDom::default(), options).one(html);
        let mut elements = Vec::new();
        gather(&dom.document, &[], &mut elements);
        let errors = dom.errors.borrow().iter().map(ToString::to_string).collect();
        Self { elements, errors }
    }

    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &Element> {
        self.elements.iter().filter(move |element| element.name == name)
    }

    /// What is in an element, and what in that.
    pub(crate) fn within(&self, outer: &Element) -> impl Iterator<Item = &Element> {
        let place = self.elements.iter().position(|one| std::ptr::eq(one, outer)).unwrap();
        self.elements.iter().filter(move |element| element.around.contains(&place))
    }

    pub(crate) fn with_id(&self, id: &str) -> Vec<&Element> {
        self.elements.iter().filter(|element| element.attribute("id") == Some(id)).collect()
    }

    /// Elements within elements, with the names of their attributes: a page without what it says.
    pub(crate) fn structure(&self) -> Vec<String> {
        let line = |element: &Element| {
            let attributes: Vec<_> = element.attributes.keys().map(String::as_str).collect();
            format!("{} {} {}", element.around.len(), element.name, attributes.join(" "))
        };
        self.elements.iter().map(line).collect()
    }
}

fn gather(node: &Node, around: &[usize], elements: &mut Vec<Element>) {
    match &node.data {
        NodeData::Element { name, attrs, .. } => {
            let attributes = attrs.borrow();
            let attributes = attributes
                .iter()
                .map(|attribute| (attribute.name.local.to_string(), attribute.value.to_string()));
            let place = elements.len();
            elements.push(Element {
                name: name.local.to_string(),
                attributes: attributes.collect(),
                around: around.to_vec(),
                ..Element::default()
            });
            let around = [around, &[place]].concat();
            node.children.borrow().iter().for_each(|child| gather(child, &around, elements));
        }
        NodeData::Text { contents } => {
            let text = contents.borrow().to_string();
            for place in around {
                elements[*place].content.push_str(&text);
            }
            if let Some(place) = around.last() {
                elements[*place].texts.push(text);
            }
        }
        _ => node.children.borrow().iter().for_each(|child| gather(child, around, elements)),
    }
}
