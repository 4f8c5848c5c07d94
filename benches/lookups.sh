#!/bin/sh
# A demo's data folder of so many people, in which the civil-affairs bureau may verify and look up the population.
# usage: benches/lookups.sh SHUQIAO FOLDER PEOPLE
set -eu
shuqiao=$1 folder=$2 people=$3
export SHUQIAO_DATA_DIR="$folder" LC_ALL=C.UTF-8
"$shuqiao" demo --people "$people" --exit
ask() {
    asked=$(mktemp)
    cat > "$asked" <<JSON
{"asks": [{"resource": "101001/000001", "items": [$2], "doors": [$1]}], "purpose": "社会救助核对",
 "legal_basis": "《社会救助暂行办法》第五十八条", "valid_until": "2098-12-31T16:00:00Z"}
JSON
    opened=$("$shuqiao" matter open application "$asked" --as mzj:analyst --operator 吴敏 --json)
    number=$(echo "$opened" | grep -o 'SQ-[0-9]*-[0-9]*' | head -1)
    accepted=$("$shuqiao" matter step "$number" accept --as :authority_officer --operator 孙敏)
    provision=$(echo "$accepted" | grep -o 'TG-[0-9]*-[0-9]*' | head -1)
    "$shuqiao" matter step "$provision" propose --as gaj:approver --operator 赵磊
    "$shuqiao" matter step "$provision" grant --as gaj:approver --operator 周静
    rm "$asked"
}
ask '"verification", "api"' '"id_number", "name", "sex", "birth_date", "county_code"'
