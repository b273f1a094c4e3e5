//! The OpenAPI document: it grows out of the routes, and gains here what all of them share.

use std::collections::BTreeMap;

use longhaul_protocol::{Problem, ProblemCode};
use serde_json::json;
use utoipa::{
    OpenApi,
    openapi::{
        ContentBuilder, Deprecated, HttpMethod, InfoBuilder, Object, OpenApi as Document, Ref,
        RefOr, Response, ResponseBuilder, Responses, Schema, Type,
        example::ExampleBuilder,
        path::{Operation, Parameter, PathItem},
        schema::SchemaType,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

/// The content type of each refusal (RFC 9457).
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

#[derive(OpenApi)]
#[openapi(components(schemas(Problem)))]
struct Base;

/// What the document says before the routes add theirs.
pub(crate) fn base() -> Document {
    let mut document = Base::openapi();
    document.info = InfoBuilder::new()
        .title("Longhaul job server")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "A download is asked for, made in the background, and pulled from where it is stored. \
             Every request is short: a client asks for a job, polls it, and follows its \
             `downloadUrl`. Each refusal is a problem (RFC 9457) with a stable `code`.",
        ))
        .build();
    let bearer = |description: &str| {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer);
        SecurityScheme::Http(scheme.description(Some(description)).build())
    };
    let components = document.components.get_or_insert_default();
    components.add_security_scheme(
        "token",
        bearer("A token of `--tokens`; its name is the owner of what it begins. A server on a loopback address may have none."),
    );
    components.add_security_scheme("admin", bearer("The token of `--admin-token-file`."));
    document
}

/// Adds the refusals that calls share. `urls`: whether jobs may name an origin instead of a file.
pub(crate) fn finish(document: &mut Document, urls: bool) {
    for item in document.paths.paths.values_mut() {
        for (method, operation) in operations(item) {
            let writes = method == HttpMethod::Post || method == HttpMethod::Delete;
            share(operation, writes);
        }
    }
    if urls {
        take_either(document);
    } else {
        take_files_alone(document);
    }
}

/// The operations of a path.
pub(crate) fn operations(
    item: &mut PathItem,
) -> impl Iterator<Item = (HttpMethod, &mut Operation)> {
    [
        (HttpMethod::Get, &mut item.get),
        (HttpMethod::Post, &mut item.post),
        (HttpMethod::Delete, &mut item.delete),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

fn share(operation: &mut Operation, writes: bool) {
    if operation
        .tags
        .iter()
        .flatten()
        .any(|tag| tag == "deprecated")
    {
        operation.deprecated = Some(Deprecated::True);
    }
    let is_open = operation.security.is_none();
    let parameters = operation.parameters.iter_mut().flatten();
    let takes_fields = parameters.map(never_null).count() > 0;
    let responses = &mut operation.responses;
    let mut codes = vec![
        ProblemCode::MisdirectedRequest,
        ProblemCode::UriTooLong,
        ProblemCode::HeadersTooLarge,
        ProblemCode::Internal,
        ProblemCode::NotReady,
    ];
    if !is_open {
        codes.push(ProblemCode::Unauthorized);
    }
    if writes {
        codes.push(ProblemCode::CrossSite);
    }
    if takes_fields {
        codes.push(ProblemCode::InvalidRequest);
    }
    for code in codes {
        add(responses, code);
    }
}

/// What is absent from a query or a header is absent: there is no null that could be written there.
fn never_null(parameter: &mut RefOr<Parameter>) {
    if let RefOr::T(parameter) = parameter
        && let Some(RefOr::T(Schema::Object(schema))) = &mut parameter.schema
        && let SchemaType::Array(types) = &schema.schema_type
        && let Some(kind) = types.iter().find(|kind| **kind != Type::Null)
    {
        schema.schema_type = SchemaType::Type(kind.clone());
    }
}

/// A server that fetches no URLs does not offer the field.
fn take_files_alone(document: &mut Document) {
    if let Some(body) = asked(document) {
        body.properties.remove("url");
        body.required.push("file_id".into());
    }
}

/// Exactly one of the two names what is wanted.
fn take_either(document: &mut Document) {
    if let Some(body) = asked(document) {
        let either = json!([{ "required": ["file_id"] }, { "required": ["url"] }]);
        let extensions = body.extensions.get_or_insert_default();
        // The type has no place for it; it is written beside the others.
        extensions.insert("oneOf".into(), either);
    }
}

fn asked(document: &mut Document) -> Option<&mut Object> {
    let schemas = &mut document.components.as_mut()?.schemas;
    match schemas.get_mut("InitiateRequest")? {
        RefOr::T(Schema::Object(body)) => Some(body),
        _ => None,
    }
}

/// The refusals that a call has of its own, for `responses(...)` of its description.
pub(crate) fn problems(codes: &[ProblemCode]) -> BTreeMap<String, RefOr<Response>> {
    let mut responses = Responses::default();
    for code in codes {
        add(&mut responses, *code);
    }
    responses.responses
}

/// Adds a refusal beside those that have its status already.
fn add(responses: &mut Responses, code: ProblemCode) {
    let problem = Problem::new(code, code.title());
    let example = ExampleBuilder::new()
        .summary(code.title())
        .value(Some(json!(problem)))
        .build();
    let line = format!("`{}`: {}.", code.as_str(), code.title());
    let present = responses.responses.entry(code.status().to_string());
    let present = present.or_insert_with(|| {
        let content = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name("Problem")))
            .build();
        RefOr::T(
            ResponseBuilder::new()
                .content(PROBLEM_JSON, content)
                .build(),
        )
    });
    let RefOr::T(response) = present else { return };
    let Some(RefOr::T(content)) = response.content.get_mut(PROBLEM_JSON) else {
        return;
    };
    let known = content
        .examples
        .insert(code.as_str().into(), RefOr::T(example));
    if known.is_none() {
        if !response.description.is_empty() {
            response.description.push(' ');
        }
        response.description.push_str(&line);
    }
}

/// Names a set of refusals for `responses(...)`.
macro_rules! refusals {
    ($name:ident: $($code:ident),+ $(,)?) => {
        pub(crate) struct $name;

        impl utoipa::IntoResponses for $name {
            fn responses() -> std::collections::BTreeMap<
                String,
                utoipa::openapi::RefOr<utoipa::openapi::Response>,
            > {
                crate::api::openapi::problems(&[$(longhaul_protocol::ProblemCode::$code),+])
            }
        }
    };
}
pub(crate) use refusals;
