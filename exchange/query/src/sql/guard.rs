//! What a query may be made of. Structures are taken apart field by field, so that a clause which a later parser
//! invents fails to compile here instead of being dropped silently by the planner.

use std::ops::ControlFlow;

use catalog_core::{Error, ErrorCode, Result};
use datafusion::sql::sqlparser::ast::{
    Cte, DescribeAlias, Expr, Function, FunctionArg, LimitClause, OrderBy, Query, Select, SelectFlavor,
    SetExpr, Statement, TableFactor, TableFunctionArgs, Value, VisitMut, VisitorMut, With,
};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use super::dialect::QueryDialect;
use super::size;
use crate::limits::SQL_BYTES;

/// The deepest nesting of parentheses and subqueries.
const DEPTH: usize = 64;
/// The most operators and keywords: each may add one level to the syntax tree.
const LEVELS: usize = 1_000;
/// The longest text literal, in bytes; a literal is repeated for every row.
const LITERAL_BYTES: usize = 8 * 1024;
/// The most rows that a table function gives.
const SERIES_ROWS: i128 = 1_000_000;

/// One query, and whether only its plan is asked for.
pub(crate) struct Parsed {
    pub(crate) query: Box<Query>,
    pub(crate) explains: bool,
}

/// Parses exactly one query, or EXPLAIN of one, and refuses everything that is not offered.
pub(crate) fn parse(sql: &str) -> Result<Parsed> {
    if sql.len() > SQL_BYTES {
        return Err(Error::new(
            ErrorCode::LimitSql,
            format!("the SQL text is longer than {SQL_BYTES} bytes"),
        ));
    }
    let dialect = QueryDialect;
    let tokens = Tokenizer::new(&dialect, sql)
        .tokenize_with_location()
        .map_err(|error| Error::new(ErrorCode::SqlSyntax, error.to_string()))?;
    if tokens.iter().filter(|token| adds_a_level(token)).count() > LEVELS {
        let message =
            format!("the SQL has more than {LEVELS} operators and keywords; use IN lists and joins");
        return Err(Error::new(ErrorCode::LimitSql, message));
    }
    if deepest(&tokens) > DEPTH {
        return Err(too_deep());
    }
    let mut parser = Parser::new(&dialect).with_recursion_limit(DEPTH).with_tokens_with_locations(tokens);
    let mut statements = parser.parse_statements().map_err(syntax)?;
    let (mut query, explains) = match (statements.pop(), statements.is_empty()) {
        (Some(Statement::Query(query)), true) => (query, false),
        (Some(statement), true) => (explained(statement)?, true),
        (Some(_), false) => return Err(unsupported("send one query at a time")),
        (None, _) => return Err(Error::new(ErrorCode::SqlSyntax, "the SQL text is empty")),
    };
    if let ControlFlow::Break(error) = query.visit(&mut Guard) {
        return Err(error);
    }
    size::check(&mut query)?;
    Ok(Parsed { query, explains })
}

/// The query of a plain EXPLAIN. To run it, or to ask for more than its plan, is not offered.
fn explained(statement: Statement) -> Result<Box<Query>> {
    let Statement::Explain {
        describe_alias: DescribeAlias::Explain,
        analyze: false,
        verbose: false,
        query_plan: false,
        estimate: false,
        statement,
        format: None,
        options: None,
    } = statement
    else {
        return Err(unsupported("only a query (SELECT), or EXPLAIN of one, is offered here"));
    };
    match *statement {
        Statement::Query(query) => Ok(query),
        _ => Err(unsupported("only a query (SELECT) is explained")),
    }
}

/// Commas, names and plain literals stand beside each other; everything else may nest.
fn adds_a_level(token: &TokenWithSpan) -> bool {
    match &token.token {
        Token::Word(word) => word.keyword != Keyword::NoKeyword && word.quote_style.is_none(),
        Token::Whitespace(_) | Token::Comma | Token::Period | Token::Number(..) => false,
        Token::SingleQuotedString(_) | Token::SemiColon | Token::EOF => false,
        _ => true,
    }
}

/// Counted beforehand: the parser backtracks out of its own limit and then complains about the syntax.
fn deepest(tokens: &[TokenWithSpan]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for token in tokens {
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

fn too_deep() -> Error {
    Error::new(ErrorCode::LimitSql, format!("the SQL nests deeper than {DEPTH} levels"))
}

fn syntax(error: ParserError) -> Error {
    match error {
        ParserError::RecursionLimitExceeded => too_deep(),
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => {
            Error::new(ErrorCode::SqlSyntax, text.chars().take(400).collect::<String>())
        }
    }
}

fn unsupported(what: &str) -> Error {
    Error::new(ErrorCode::SqlUnsupported, what)
}

/// Refuses unless `allowed`.
fn only(allowed: bool, what: &str) -> Result<()> {
    if allowed { Ok(()) } else { Err(unsupported(&format!("{what} is not offered"))) }
}

struct Guard;

impl VisitorMut for Guard {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
        flow(check_query(query))
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Error> {
        flow(check_select(select))
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Error> {
        flow(check_factor(factor))
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        flow(check_expr(expr))
    }
}

fn flow(result: Result<()>) -> ControlFlow<Error> {
    match result {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => ControlFlow::Break(error),
    }
}

fn check_query(query: &Query) -> Result<()> {
    let Query {
        with,
        body,
        order_by,
        limit_clause,
        fetch,
        locks,
        for_clause,
        settings,
        format_clause,
        pipe_operators,
    } = query;
    if let Some(With { with_token: _, recursive, cte_tables }) = with {
        only(!recursive, "WITH RECURSIVE")?;
        for Cte { alias: _, query: _, from, materialized: _, closing_paren_token: _ } in cte_tables {
            only(from.is_none(), "FROM in a WITH item")?;
        }
    }
    check_body(body)?;
    if let Some(OrderBy { kind: _, interpolate }) = order_by {
        only(interpolate.is_none(), "INTERPOLATE")?;
    }
    if let Some(LimitClause::LimitOffset { limit: _, offset: _, limit_by }) = limit_clause {
        only(limit_by.is_empty(), "LIMIT BY")?;
    }
    only(fetch.is_none(), "FETCH (use LIMIT)")?;
    only(locks.is_empty(), "FOR UPDATE")?;
    only(for_clause.is_none(), "FOR XML, JSON and BROWSE")?;
    only(settings.is_none() && format_clause.is_none(), "SETTINGS and FORMAT")?;
    only(pipe_operators.is_empty(), "the pipe operator")
}

fn check_body(body: &SetExpr) -> Result<()> {
    match body {
        SetExpr::Select(_) | SetExpr::Query(_) | SetExpr::Values(_) => Ok(()),
        SetExpr::SetOperation { left, op: _, set_quantifier: _, right } => {
            check_body(left)?;
            check_body(right)
        }
        SetExpr::Insert(_)
        | SetExpr::Update(_)
        | SetExpr::Delete(_)
        | SetExpr::Merge(_)
        | SetExpr::Table(_) => Err(unsupported("only a query (SELECT) is offered here")),
    }
}

fn check_select(select: &Select) -> Result<()> {
    let Select {
        select_token: _,
        optimizer_hints,
        distinct: _,
        select_modifiers,
        top,
        top_before_distinct: _,
        projection: _,
        exclude,
        into,
        from: _,
        lateral_views,
        prewhere,
        selection: _,
        connect_by,
        group_by: _,
        cluster_by,
        distribute_by,
        sort_by,
        having: _,
        named_window: _,
        qualify: _,
        window_before_qualify: _,
        value_table_mode,
        flavor,
    } = select;
    only(optimizer_hints.is_empty(), "an optimizer hint")?;
    only(select_modifiers.is_none() && value_table_mode.is_none(), "this SELECT modifier")?;
    only(top.is_none(), "TOP (use LIMIT)")?;
    only(exclude.is_none(), "EXCLUDE after SELECT")?;
    only(into.is_none(), "SELECT INTO")?;
    only(lateral_views.is_empty() && prewhere.is_none() && connect_by.is_empty(), "this SELECT clause")?;
    only(cluster_by.is_empty() && distribute_by.is_empty() && sort_by.is_empty(), "CLUSTER BY")?;
    only(matches!(flavor, SelectFlavor::Standard), "FROM before SELECT")
}

fn check_factor(factor: &TableFactor) -> Result<()> {
    match factor {
        TableFactor::Table {
            name,
            alias: _,
            args,
            with_hints,
            version,
            with_ordinality,
            partitions,
            json_path,
            sample,
            index_hints,
        } => {
            only(with_hints.is_empty() && index_hints.is_empty(), "a table hint")?;
            only(partitions.is_empty(), "PARTITION")?;
            only(sample.is_none(), "TABLESAMPLE")?;
            only(!with_ordinality && json_path.is_none(), "WITH ORDINALITY")?;
            match args {
                None => Ok(()),
                Some(args) => {
                    only(version.is_none(), "a version of a table function")?;
                    check_series(&name.to_string(), args)
                }
            }
        }
        TableFactor::Derived { lateral: _, subquery: _, alias: _, sample } => {
            only(sample.is_none(), "TABLESAMPLE")
        }
        TableFactor::NestedJoin { table_with_joins: _, alias: _ } => Ok(()),
        _ => Err(unsupported("this kind of table is not offered")),
    }
}

/// A series has literal bounds, so that its length is known before it runs.
fn check_series(name: &str, args: &TableFunctionArgs) -> Result<()> {
    only(matches!(name, "generate_series" | "range"), &format!("the table function {name}"))?;
    let TableFunctionArgs { args, settings } = args;
    only(settings.is_none(), "SETTINGS")?;
    let number = |arg: &FunctionArg| arg.to_string().parse::<i64>().ok().map(i128::from);
    let numbers: Option<Vec<i128>> = args.iter().map(number).collect();
    let rows = match numbers.as_deref() {
        Some([end]) => end.abs(),
        Some([start, end]) => (end - start).abs(),
        Some([start, end, step]) if *step != 0 => (end - start).abs() / step.abs(),
        _ => return Err(unsupported("a series takes whole numbers as start, end and step")),
    };
    only(rows <= SERIES_ROWS, &format!("a series of over {SERIES_ROWS} rows"))
}

fn check_expr(expr: &Expr) -> Result<()> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Placeholder(_) => Err(unsupported("a parameter is not offered; write the value")),
            Value::SingleQuotedString(text) => only(text.len() <= LITERAL_BYTES, "so long a literal"),
            _ => Ok(()),
        },
        Expr::Identifier(name) => only(!name.value.starts_with('@'), "a variable"),
        Expr::Function(Function { uses_odbc_syntax, parameters: _, .. }) => {
            only(!uses_odbc_syntax, "ODBC syntax")
        }
        _ => Ok(()),
    }
}
