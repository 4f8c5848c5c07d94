//! The search over published entries.

use std::sync::Arc;

use catalog_core::directory::{Opening, Sharing, UpdateCycle};
use catalog_core::ports::{Condition, SearchField, SearchOrder, SearchPage, SearchQuery, Store};
use catalog_core::{DepartmentId, Result};

use super::samples::{catalogue_department, catalogue_entry, department, event, item, published, resource};

async fn found(store: &Arc<dyn Store>, text: &str) -> Result<Vec<String>> {
    let query = SearchQuery { text: text.to_owned(), limit: 100, ..SearchQuery::default() };
    Ok(codes(&store.search(&query).await?))
}

fn codes(page: &SearchPage) -> Vec<String> {
    page.hits.iter().map(|hit| hit.code.to_string()).collect()
}

pub(super) async fn words(store: Arc<dyn Store>) -> Result<()> {
    store.put_department(&department("gaj", "九江市公安局")?, &event("department.created")).await?;
    let mut title = resource("gaj", "301001/000003", "人口库 Population2024")?;
    title.summary = "常住居民".to_owned();
    let mut keywords = resource("gaj", "301001/000002", "居民")?;
    keywords.keywords = vec!["人口".to_owned(), "户籍".to_owned()];
    let mut summary = resource("gaj", "301001/000001", "居住证")?;
    summary.summary = "流动的人口，含ＡＢＣ－１２编号".to_owned();
    summary.items.push(item("签发机关", "issuer")?);
    for resource in [summary, keywords, title] {
        store.save_entry(&published(resource), None, &event("entry.published")).await?;
    }
    let (one, two, three) = ("301001/000001", "301001/000002", "301001/000003");
    assert_eq!(found(&store, "人口").await?, [three, two, one], "name over keywords over abstract");
    assert_eq!(found(&store, "人口库").await?, [three]);
    assert_eq!(found(&store, "库").await?, [three]);
    assert_eq!(found(&store, "证").await?, [one]);
    assert_eq!(found(&store, "population2024").await?, [three]);
    assert_eq!(found(&store, "abc 12").await?, [one], "full width is half width");
    assert_eq!(found(&store, "人口 居民").await?, [two, three], "all words must occur");
    assert_eq!(found(&store, "签发机关").await?, [one], "items");
    assert_eq!(found(&store, "issuer").await?, [one], "columns");
    assert_eq!(found(&store, "公安局").await?.len(), 3, "department");
    assert_eq!(found(&store, "口人").await?, [""; 0]);
    assert_eq!(found(&store, "").await?, [one, two, three], "by code");
    Ok(())
}

pub(super) async fn filters(store: Arc<dyn Store>) -> Result<()> {
    const COUNT: usize = 60;
    for index in 0..COUNT {
        let id = catalogue_department(index);
        store.put_department(&department(&id, &id)?, &event("department.created")).await?;
        store.save_entry(&catalogue_entry(index)?, None, &event("entry.published")).await?;
    }
    for text in ["", "各部门"] {
        let all = SearchQuery { text: text.to_owned(), limit: 7, facets: true, ..SearchQuery::default() };
        let page = store.search(&all).await?;
        assert_eq!((page.hits.len(), page.total), (7, COUNT as u64));
        assert_eq!(page.facets.len(), 6);
        let mut seen = Vec::new();
        for offset in (0..70).step_by(7) {
            seen.extend(codes(&store.search(&SearchQuery { offset, ..all.clone() }).await?));
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), COUNT, "pages neither repeat nor leave out");
        for facet in &page.facets {
            assert_eq!(facet.counts.iter().map(|(_, count)| count).sum::<u64>(), COUNT as u64);
            assert!(facet.counts.windows(2).all(|pair| pair[0].1 >= pair[1].1), "most first");
            for (value, count) in &facet.counts {
                let one = filtered(&all, &facet.field, value)?;
                assert_eq!(store.search(&one).await?.total, *count, "{} = {value}", facet.field);
            }
        }
        let public = store.search(&SearchQuery { public_only: true, ..all.clone() }).await?;
        assert_eq!(public.total, 48);
        assert!(public.hits.iter().all(|hit| hit.opening != "closed"));
        for (prefix, count) in [("3", 60), ("301", 5), ("301001", 5), ("39", 0), ("x' OR 1=1", 0)] {
            let one = SearchQuery { classification: Some(prefix.to_owned()), ..all.clone() };
            assert_eq!(store.search(&one).await?.total, count, "{prefix}");
        }
    }
    Ok(())
}

fn filtered(all: &SearchQuery, field: &str, value: &str) -> Result<SearchQuery> {
    let mut query = all.clone();
    let value = value.to_owned();
    match field {
        "department" => query.department = Some(DepartmentId::new(value)?),
        "sharing" => query.sharing = value.parse().ok(),
        "opening" => query.opening = Some(value),
        "format" => query.format = Some(value),
        "classification" => query.classification = Some(value),
        _ => query.update_cycle = Some(crate::json::from_word::<UpdateCycle>(value)?),
    }
    Ok(query)
}

pub(super) async fn conditions(store: Arc<dyn Store>) -> Result<()> {
    for office in ["gaj", "scjg"] {
        store.put_department(&department(office, office)?, &event("department.created")).await?;
    }
    let (one, two, three) = ("301001/000001", "301001/000002", "302001/000001");
    for (office, code, keywords) in [
        ("gaj", one, vec!["人口", "户籍", "人口"]),
        ("scjg", two, vec!["人口"]),
        ("scjg", three, vec!["企业 登记"]),
    ] {
        let mut resource = resource(office, code, &format!("资源{code}"))?;
        resource.keywords = keywords.into_iter().map(str::to_owned).collect();
        resource.licence = Some("CC-BY-4.0".to_owned());
        store.save_entry(&published(resource), None, &event("entry.published")).await?;
    }
    let has = |field, value: &str| Condition { field, value: value.to_owned(), negated: false };
    let not = |field, value: &str| Condition { negated: true, ..has(field, value) };
    use SearchField::{Classification, Code, Department, Keyword, Licence};
    for (conditions, expected) in [
        (vec![vec![has(Keyword, "人口")]], vec![one, two]),
        (vec![vec![has(Keyword, "企业 登记")]], vec![three]),
        (vec![vec![has(Keyword, "企业")]], vec![]),
        (vec![vec![not(Keyword, "人口")]], vec![three]),
        (vec![vec![not(Keyword, "没有")]], vec![one, two, three]),
        (vec![vec![has(Keyword, "户籍"), has(Department, "scjg")]], vec![one, two, three]),
        (vec![vec![has(Keyword, "人口")], vec![not(Department, "gaj")]], vec![two]),
        (vec![vec![has(Classification, "301")]], vec![one, two]),
        (vec![vec![has(Code, three)]], vec![three]),
        (vec![vec![has(Licence, "CC-BY-4.0")], vec![]], vec![]),
    ] {
        let query = SearchQuery { conditions, limit: 100, ..SearchQuery::default() };
        assert_eq!(codes(&store.search(&query).await?), expected, "{:?}", query.conditions);
    }
    let order = SearchOrder::CodeDescending;
    let query = SearchQuery { order, limit: 2, word_facets: true, ..SearchQuery::default() };
    let page = store.search(&query).await?;
    assert_eq!(codes(&page), [three, two]);
    let counts: Vec<_> =
        page.facets.iter().map(|facet| (facet.field.as_str(), facet.counts.clone())).collect();
    let count = |word: &str, number| (word.to_owned(), number);
    let words = vec![count("人口", 2), count("企业 登记", 1), count("户籍", 1)];
    assert_eq!(counts, [("keyword", words), ("licence", vec![count("CC-BY-4.0", 3)])]);
    let mut closed = resource("gaj", "301001/000009", "不开放")?;
    closed.items[0].opening = Opening::Closed;
    store.save_entry(&published(closed), None, &event("entry.published")).await?;
    let wanted = SearchQuery { order: SearchOrder::Code, limit: u32::MAX, ..SearchQuery::default() };
    assert_eq!(store.codes(&wanted).await?.codes.len(), 4);
    let public = SearchQuery { public_only: true, ..wanted.clone() };
    let all: Vec<_> = store.codes(&public).await?.codes.iter().map(ToString::to_string).collect();
    assert_eq!(all, [one, two, three]);
    let counted = store.codes(&SearchQuery { limit: 0, facets: true, ..public }).await?;
    assert_eq!((counted.codes.len(), counted.total, counted.facets.len()), (0, 3, 6));
    let found = store.codes(&SearchQuery { text: "资源".to_owned(), limit: 1, offset: 1, ..wanted }).await?;
    assert_eq!((found.codes.len(), found.total), (1, 3));
    Ok(())
}

pub(super) async fn follows_the_directory(store: Arc<dyn Store>) -> Result<()> {
    let mut office = department("gaj", "公安局")?;
    store.put_department(&office, &event("department.created")).await?;
    let mut entry = published(resource("gaj", "301001/000001", "户籍人口")?);
    entry.published = None;
    store.save_entry(&entry, None, &event("entry.created")).await?;
    assert_eq!(found(&store, "户籍").await?, [""; 0], "a draft is not found");

    let mut resource = entry.draft.clone();
    resource.items[0].opening = Opening::Conditional { condition: "协议".to_owned() };
    resource.items[0].sharing = Sharing::Withheld { basis: "涉密".to_owned() };
    entry.published = Some(resource);
    entry.revision = 2;
    store.save_entry(&entry, Some(1), &event("entry.published")).await?;
    let page = store.search(&SearchQuery { limit: 1, ..SearchQuery::default() }).await?;
    let hit = &page.hits[0];
    assert_eq!((hit.title.as_str(), hit.sharing, hit.opening.as_str()), ("户籍人口", 3, "conditional"));

    office.name = "市警察局".to_owned();
    store.put_department(&office, &event("department.changed")).await?;
    assert_eq!(found(&store, "警察").await?.len(), 1, "a renamed department is found");
    assert_eq!(found(&store, "公安").await?.len(), 0);

    entry.published = None;
    entry.revision = 3;
    store.save_entry(&entry, Some(2), &event("entry.withdrawn")).await?;
    assert_eq!(found(&store, "户籍").await?, [""; 0], "nor is what was withdrawn");
    assert_eq!(store.search(&SearchQuery::default()).await?.total, 0);
    Ok(())
}

pub(super) async fn strange_texts(store: Arc<dyn Store>) -> Result<()> {
    store.put_department(&department("gaj", "公安局")?, &event("department.created")).await?;
    let strange = "a'b\"c\\d\0 e* (f) NEAR g:h İ ﷺ 𠀀𠀁 é ा 한국 \u{301}";
    let mut resource = resource("gaj", "301001/000001", "户籍")?;
    resource.summary = strange.replace('\0', "");
    store.save_entry(&published(resource), None, &event("entry.published")).await?;
    assert_eq!(found(&store, strange).await?.len(), 1);
    for text in ["'", "\"", "*", "()", "AND", "\\", "a OR", "title:x", "\0", "' & !", "𠀀", "。。。", " "]
    {
        found(&store, text).await?;
    }
    assert_eq!(found(&store, "。").await?, [""; 0], "text without a word finds nothing");
    assert_eq!(found(&store, &"长".repeat(5000)).await?, [""; 0]);
    Ok(())
}
