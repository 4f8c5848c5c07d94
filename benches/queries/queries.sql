-- count
select count(*) as n from gaj.population
-- count_by_county
select county_code, count(*) as n from gaj.population group by county_code order by county_code
-- age_pyramid
select sex, (2026 - extract(year from birth_date)) / 10 as decade, count(*) as n from gaj.population group by 1, 2 order by 1, 2
-- one_village
select village_code, count(*) as n from gaj.population where county_code = '360481' group by village_code order by n desc, village_code limit 20
-- point_lookup
select id_number, county_code, status from gaj.population where id_number = (select max(representative_id) from scjg.legal_entities where county_code = '360481')
-- entities_by_industry
select industry_section, count(*) as n, sum(registered_capital) as capital from scjg.legal_entities group by industry_section order by capital desc nulls last, industry_section
-- representatives
select e.county_code, count(*) as n from scjg.legal_entities e join gaj.population p on e.representative_id = p.id_number group by e.county_code order by e.county_code
-- representatives_living_elsewhere
select e.county_code, p.county_code as home, count(*) as n from scjg.legal_entities e join gaj.population p on e.representative_id = p.id_number where e.county_code <> p.county_code group by 1, 2 order by n desc, 1, 2 limit 20
-- penalties_by_industry
select e.industry_section, count(*) as n, sum(x.amount) as amount from xygl.penalties x join scjg.legal_entities e on x.credit_code = e.credit_code group by e.industry_section order by n desc, 1
-- largest_penalties
select x.decision_number, x.amount, e.name from xygl.penalties x join scjg.legal_entities e on x.credit_code = e.credit_code order by x.amount desc nulls last, x.decision_number limit 20
-- punished_representatives
select p.sex, count(distinct p.id_number) as n from xygl.penalties x join scjg.legal_entities e on x.credit_code = e.credit_code join gaj.population p on e.representative_id = p.id_number group by p.sex order by p.sex
-- insured_by_county
select p.county_code, count(*) as n from gaj.population p join rsj.social_security s on p.id_number = s.id_number group by p.county_code order by p.county_code
-- uninsured_elderly
select p.county_code, count(*) as n from gaj.population p left join rsj.social_security s on p.id_number = s.id_number where p.birth_date < date '1966-06-30' and s.id_number is null group by p.county_code order by p.county_code
-- employees_by_industry
select e.industry_section, count(*) as n from rsj.social_security s join scjg.legal_entities e on s.employer_code = e.credit_code group by e.industry_section order by n desc, 1
-- largest_employers
select e.credit_code, e.name, count(*) as n from rsj.social_security s join scjg.legal_entities e on s.employer_code = e.credit_code group by e.credit_code, e.name order by n desc, e.credit_code limit 10
-- households
select size, count(*) as households from (select household_number, count(*) as size from gaj.population group by household_number) h group by size order by size
-- surnames
select substr(household_number, 1, 6) as part, count(distinct ethnicity) as n from gaj.population group by 1 order by 1 limit 20
-- active_but_punished
select e.county_code, count(distinct e.credit_code) as n from scjg.legal_entities e where e.status = '存续' and exists (select 1 from xygl.penalties x where x.credit_code = e.credit_code) group by e.county_code order by e.county_code
-- above_average_capital
select county_code, count(*) as n from scjg.legal_entities where registered_capital > (select avg(registered_capital) from scjg.legal_entities) group by county_code order by county_code
-- top_per_county
select county_code, credit_code, registered_capital from (select county_code, credit_code, registered_capital, row_number() over (partition by county_code order by registered_capital desc nulls last, credit_code) as place from scjg.legal_entities) ranked where place <= 3 order by county_code, registered_capital desc nulls last, credit_code
