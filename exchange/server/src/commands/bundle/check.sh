#!/bin/sh
# 电子存证核验脚本。只需要 sh、openssl（3.0 以上）和 sha256sum；在本目录执行：sh check.sh
# Checks this bundle with nothing but openssl (3.0 or later) and sha256sum. Every check is explained in index.html.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
    echo "核验不通过 FAILED: $1" >&2
    exit 1
}

# 1. 文件与清单一致。 The files are those of the list.
sha256sum --quiet --strict -c SHA256SUMS || fail SHA256SUMS
[ "$(find . -type f | wc -l)" -eq "$(($(wc -l < SHA256SUMS) + 1))" ] || fail "files that are not in SHA256SUMS"

# 签名：$1.body 是被签名的原文，$1.sig 是签名，$1.key 指明公钥。 A signature beside what it signs.
signed() {
    key="keys/$(cat "$1.key").pem"
    # 公钥为国密 SM2 的，摘要用 SM3。 A key of SM2 signs digests of SM3.
    case $(openssl pkey -pubin -in "$key" -noout -text 2> /dev/null) in
    *SM2*) set -- "$1" -digest sm3 -pkeyopt distid:1234567812345678 ;;
    esac
    signed=$1
    shift
    openssl pkeyutl -verify -pubin -inkey "$key" -rawin "$@" -in "$signed.body" -sigfile "$signed.sig" \
        > "$work/said" 2>&1 || fail "$signed.sig"
}

for receipt in receipts/*; do
    # 2. 回执由平台签名。 The platform signed the receipt, and the statement is what it signed.
    signed "$receipt/statement"
    openssl base64 -A -in "$receipt/statement.json" | tr '+/' '-_' | tr -d '=' > "$work/encoded"
    [ "$(cut -d. -f2 "$receipt/statement.body")" = "$(cat "$work/encoded")" ] || fail "$receipt/statement.json"
    # 3. 日志检查点由平台签名，并写在回执中。 The platform signed the head of the log, and the receipt names it.
    signed "$receipt/checkpoint"
    head -n 3 "$receipt/checkpoint.txt" | cmp -s - "$receipt/checkpoint.body" || fail "$receipt/checkpoint.txt"
    grep -qF "\"checkpoint\":\"$(awk 1 ORS='\\n' "$receipt/checkpoint.txt")\"" "$receipt/statement.json" \
        || fail "$receipt: checkpoint and statement"
    # 4. 见证人联署的是同一检查点。 Witnesses cosigned it, and no other head.
    for body in "$receipt"/cosignature-*.body; do
        [ -e "$body" ] || continue
        signed "${body%.body}"
        head -n 1 "$body" | grep -qx 'cosignature/v1' || fail "$body"
        tail -n +3 "$body" | cmp -s - "$receipt/checkpoint.body" || fail "$body: another head"
    done
    # 回执中的每条记录都在这里，一条不少。 Every record of the receipt is here, each once.
    proofs=$(grep -oF '"path":[' "$receipt/statement.json" | wc -l)
    [ "$(cat "$receipt"/records/*/leaf.json | grep -oF '"request_id":' | wc -l)" -eq "$proofs" ] || fail "$receipt: records"
    [ "$(sha256sum "$receipt"/records/*/leaf.json | cut -d' ' -f1 | sort -u | wc -l)" -eq "$proofs" ] || fail "$receipt: records"
    for record in "$receipt"/records/*; do
        # 5. 每条记录都在日志中：由叶子逐步计算到根。 Each record is in the log: from its leaf to the root.
        grep -qF "$(cat "$record/leaf.json")" "$receipt/statement.json" || fail "$record/leaf.json"
        { printf '\000'; cat "$record/leaf.json"; } | openssl dgst -sha256 -binary > "$work/node"
        for step in "$record"/step-*; do
            case "$step" in
            *-left) { printf '\001'; cat "$step" "$work/node"; } | openssl dgst -sha256 -binary > "$work/next" ;;
            *-right) { printf '\001'; cat "$work/node" "$step"; } | openssl dgst -sha256 -binary > "$work/next" ;;
            *) continue ;;
            esac
            mv "$work/next" "$work/node"
        done
        [ "$(openssl base64 -A -in "$work/node")" = "$(sed -n 3p "$receipt/checkpoint.body")" ] || fail "$record: root"
        # 6. 答复与记录中的承诺一致。 The answer is the one that the record commits to.
        if [ -e "$record/answer" ]; then
            digest=$(cat "$record/answer.salt" "$record/answer" | sha256sum | cut -d' ' -f1)
            grep -qF "\"answer_commitment\":\"$digest\"" "$record/leaf.json" || fail "$record/answer"
        fi
        # 7. 授权和办件的内容与记录中的摘要一致。 The grant or matter is the one whose digest the record holds.
        if [ -e "$record/state.json" ]; then
            digest=$(sha256sum < "$record/state.json" | cut -d' ' -f1)
            grep -qF "\"entity_digest\":\"$digest\"" "$record/leaf.json" || fail "$record/state.json"
        fi
    done
done
# 封面由出具方编写；以下内容直接取自刚核验过的记录。 The cover is the sender's word; what follows was just checked.
for record in receipts/*/records/*; do
    echo "== $record"
    cat "$record/leaf.json"
    echo
    if [ -e "$record/state.json" ]; then cat "$record/state.json"; echo; fi
done
echo "核验通过 PASSED"
