//! What the evidence log calls what happened, in both languages.

use catalog_core::matter::Event;
use serde_json::Value;

use crate::around::Around;

/// Names of events and changes in the log, in Chinese and English; steps of matters, `matter.grant`, have the words of the steps.
const EVENTS: [(&str, &str, &str); 91] = [
    ("access", "读取", "Read"),
    ("access_ended", "读取结束", "Read ended"),
    ("access_refused", "拒绝访问", "Refused"),
    ("access_started", "开始读取", "Read begun"),
    ("account.contact_erased", "删除联系方式", "Contact erased"),
    ("account.invited", "邀请", "Invited"),
    ("account.locked", "账号锁定", "Account locked"),
    ("account.password_set", "设置口令", "Password set"),
    ("account.requested", "申请重设口令", "New password asked for"),
    ("account.reset", "恢复后重置账号", "Account reset by a restore"),
    ("administration.claimed", "首次接管", "Administration claimed"),
    ("answer.replayed", "重算答复", "Answer computed again"),
    ("api_key.created", "开发者密钥生成", "Developer key made"),
    ("api_key.revoked", "开发者密钥吊销", "Developer key revoked"),
    ("applicant.erased", "删除申请人信息", "Applicant erased"),
    ("applicant.read", "查看申请人信息", "Applicant read"),
    ("backup.begun", "开始备份", "Backup begun"),
    ("backup.made", "完成备份", "Backup made"),
    ("contribution.answered", "答复评价", "Feedback answered"),
    ("contribution.contact_read", "查看联系方式", "Contact read"),
    ("contribution.made", "提交评价或成果", "Feedback or work sent"),
    ("contribution.refused", "评价或成果不予展示", "Feedback or work refused"),
    ("contribution.shown", "展示评价或成果", "Feedback or work shown"),
    ("department.put", "部门变更", "Department changed"),
    ("developer.not_told", "未能通知开发者", "Developer not told"),
    ("developer.registered", "开发者注册", "Developer registered"),
    ("developer.told", "通知开发者", "Developer told"),
    ("epoch_started", "新纪元", "New epoch"),
    ("evidence.read", "查阅存证", "Evidence read"),
    ("grant.created", "授权", "Grant made"),
    ("grant.revoked", "撤销授权", "Grant revoked"),
    ("grant.weighed", "预览授权", "Grant previewed"),
    ("key.put", "登记密钥", "Key registered"),
    ("key.retired", "停用密钥", "Key ended"),
    ("key.rotated", "更换密钥", "Key replaced"),
    ("material.begun", "开始上传材料", "Upload of a material begun"),
    ("material.given_up", "放弃上传材料", "Upload of a material given up"),
    ("material.received", "收到材料", "Material received"),
    ("matter.adjusted", "办件随机构改革调整", "Matter adjusted by a succession"),
    ("matter.escalated", "超期督办", "Matter escalated"),
    ("matter.handed_over", "办件移交", "Matter handed over"),
    ("matter.opened", "提出办件", "Matter opened"),
    ("notice.issued", "出具通知", "Notice issued"),
    ("open_downloads", "公开下载", "Open downloads"),
    ("person.put", "人员变更", "Person changed"),
    ("query.deleted", "删除保存的查询", "Saved query deleted"),
    ("query.saved", "保存查询", "Query saved"),
    ("records.reinstated", "恢复记录", "Records reinstated"),
    ("records.withdrawn", "撤回记录", "Records withdrawn"),
    ("report.read", "查看年度报告", "Report read"),
    ("resource.edited", "编辑目录", "Entry edited"),
    ("resource.handed_over", "移交目录", "Entry handed over"),
    ("resource.older", "开始记录办理过程时的内容", "As it stood when its history began"),
    ("resource.publication_submitted", "提交发布", "Submitted for publication"),
    ("resource.published", "发布目录", "Entry published"),
    ("resource.registered", "登记通过", "Registered"),
    ("resource.registration_submitted", "提交登记", "Submitted for registration"),
    ("resource.rejected", "驳回目录", "Entry rejected"),
    ("resource.returned", "退回目录", "Entry returned"),
    ("resource.suspended", "暂停目录", "Entry taken out of force"),
    ("resource.withdrawn", "撤销目录", "Entry withdrawn"),
    ("session.ended", "退出", "Signed out"),
    ("session.started", "登录", "Signed in"),
    ("sign_in.failed", "登录失败", "Sign-in failed"),
    ("subject.traced", "查询谁看过", "Asked who saw a record"),
    ("subscription.ended", "结束订阅", "Subscription ended"),
    ("subscription.made", "订阅", "Subscription made"),
    ("subscription.resumed", "恢复订阅", "Subscription resumed"),
    ("subscription.suspended", "暂停订阅", "Subscription suspended"),
    ("substitute.ended", "结束代办", "Substitution ended"),
    ("substitute.named", "指定代办", "Substitute named"),
    ("succession.cancelled", "取消机构改革", "Succession called off"),
    ("succession.carried_out", "机构改革生效", "Succession carried out"),
    ("succession.confirmed", "确认机构改革", "Succession confirmed"),
    ("succession.entered_again", "恢复后重新登记机构改革", "Succession entered again"),
    ("succession.proposed", "提出机构改革", "Succession proposed"),
    ("supervision.read", "查看监察", "Supervision read"),
    ("texts.erased", "删除密封文本", "Sealed texts erased"),
    ("texts.lost", "密封文本缺失", "Sealed texts lost"),
    ("ticket.issued", "签发凭证", "Ticket issued"),
    ("ticket.revoked", "吊销凭证", "Ticket revoked"),
    ("unfinished.discarded", "删除未完成的草稿", "Unfinished draft discarded"),
    ("unfinished.saved", "保存未完成的草稿", "Unfinished draft kept"),
    ("version.announced", "预告结构变更", "Change of columns announced"),
    ("version.checked", "核对撤回记录", "Version checked for withdrawn records"),
    ("version.cleared", "准予公开版本", "Version cleared"),
    ("version.published", "发布数据", "Version published"),
    ("version.reviewed", "审核结构变更", "Change of columns reviewed"),
    ("version.rewritten", "删除撤回的记录", "Withdrawn records erased"),
    ("version.withdrawn", "撤回版本", "Version withdrawn"),
    ("why.asked", "询问谁能看什么", "Asked who may see what"),
];

impl Around<'_> {
    /// The names that the log has for what happens, each with its words.
    pub(crate) fn events(&self) -> Vec<(&'static str, &'static str)> {
        EVENTS.iter().map(|&(name, chinese, english)| (name, self.say(chinese, english))).collect()
    }

    /// What happened, by the name that the log has for it; what has no words here is called as in the log.
    pub(crate) fn event(&self, name: &str) -> String {
        if let Ok(place) = EVENTS.binary_search_by_key(&name, |(known, ..)| known) {
            let (_, chinese, english) = EVENTS[place];
            return self.say(chinese, english).to_owned();
        }
        let step = name.strip_prefix("matter.").map(|step| Value::String(step.to_owned()));
        let step = step.and_then(|step| serde_json::from_value::<Event>(step).ok());
        step.map_or_else(|| name.to_owned(), |step| self.say_event(&step))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::{env, fs};

    use super::*;

    #[test]
    fn names_are_in_order_and_each_change_of_the_services_has_words() {
        assert!(EVENTS.is_sorted_by(|one, other| one.0 < other.0));
        let services = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../catalog/core/src/services");
        let (mut found, mut missing) = (0, Vec::new());
        each(&services, &mut |text| {
            for call in text.split("change(").skip(1) {
                let said = call.trim_start().strip_prefix("ctx,").unwrap_or_default().trim_start();
                let Some(name) = said.strip_prefix('"').and_then(|rest| rest.split('"').next()) else {
                    continue;
                };
                found += 1;
                if EVENTS.iter().all(|(known, ..)| *known != name) {
                    missing.push(name.to_owned());
                }
            }
        });
        assert!(found > 30, "the services are not read: {found}");
        assert!(missing.is_empty(), "{missing:?}");
    }

    fn each(folder: &Path, take: &mut dyn FnMut(String)) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => each(&path, take),
                false => take(fs::read_to_string(path).unwrap()),
            }
        }
    }
}
