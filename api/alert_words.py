"""Alerts in Chinese: they say in English words what needs a person."""

from collections.abc import Iterable
from dataclasses import replace

from api.hints import Shapes
from dispatch.core.alerts import AlertRow
from dispatch.insight.matters import Item

_SHAPES = Shapes(
    (
        "Letters of (.+) have to be handed over within a day: print the list of them (gridcrew print-list "
        "(.+)) and say which hang.",
        "{0} 有信函须在一天内送达：请打印清单（gridcrew print-list {1}），并登记已送达的信函。",
    ),
    (
        "Letters of (.+) were not handed over in time, so nobody was told: call these customers. The log "
        "of messages lists them as expired.",
        "{0} 有信函未及时送达，客户尚未得知：请致电这些客户。消息记录中列为已过期。",
    ),
    (
        "Messages to customers were not delivered; the page of messages lists those that need a person.",
        "有通知未送达客户；需要人工处理的见消息页面。",
    ),
    (
        "Some messages to customers may or may not have gone out; the page of messages lists those that "
        "need a person.",
        "有通知不确定是否已发出；需要人工处理的见消息页面。",
    ),
    (
        "Customers of (.+) are not satisfied, and no counter takes complaints: give the kind complaint to "
        "one. The surveys name the visits.",
        "{0} 有客户不满意，但没有受理投诉的柜台：请指定一个。回访记录列有相关任务。",
    ),
    (
        "Crew (.+) works alone at visit (.+) and has not checked in. Call the crew now.",
        "班组 {0} 在任务 {1} 单人作业，未按时报平安。请立即致电班组。",
    ),
    (
        "Crew (.+) used more than its stock says on visit (.+) ((.+)); count it.",
        "班组 {0} 在任务 {1} 的用料超过车载库存（{2}）：请盘点。",
    ),
    (
        "Plan (.+) of (.+) could not be made: (.+). The plan in force stays; urgent visits can be inserted "
        "into it. The problem is kept with the plan.",
        "{1} 的计划 {0} 未能生成：{2}。现行计划不变，紧急任务可插入其中。问题数据已随计划保留。",
    ),
    (
        "Plan (.+) of (.+): (.+) The rule of thumb plans (.+) of its (.+) visits. The problem is kept with "
        "the plan.",
        "{1} 的计划 {0}：{2} 按经验规则可安排 {4} 个任务中的 {3} 个。问题数据已随计划保留。",
    ),
    (
        "Plan (.+) of (.+) has (.+) of (.+) visits and costs (.+) points; the rule of thumb plans (.+) for "
        "(.+). Look at the plan before you publish it.",
        "{1} 的计划 {0} 安排了 {3} 个任务中的 {2} 个，成本 {4} 点；按经验规则可安排 {5} 个，成本 {6} 点。发"
        "布前请查看计划。",
    ),
    (
        "Webhook (.+) is told nothing more ((.+)). See its deliveries, mend the receiver, then enable it; "
        "what it missed is sent then.",
        "Webhook {0} 已停止推送（{1}）。请查看推送记录、修复接收方后重新启用，届时补发。",
    ),
    (
        "The (.+) limit has passed (.+) (.+).",
        "{1} {2} 的 {0} 时限已过。",
    ),
    (
        "The (.+) limit is (.+) % used for (.+) (.+).",
        "{2} {3} 的 {0} 时限已用 {1} %。",
    ),
    (
        "A (.+) task (number (.+)) gave up after (.+) attempts: (.+). See `gridcrew doctor`, then put it "
        "back with `gridcrew tasks requeue`.",
        "后台任务 {0}（编号 {1}）在 {2} 次尝试后放弃：{3}。请查看 `gridcrew doctor`，再用 `gridcrew tasks "
        "requeue` 重新排队。",
    ),
    (
        "The clock was set forward by (.+) s. Leases and periodic jobs go on; what waits for a time, and "
        "links, go by the new one. Have the machine follow a time server.",
        "时钟被拨快 {0} 秒。租约和定时任务继续；等待时间的任务和链接按新时钟。请让本机与时间服务器同步。",
    ),
    (
        "The clock was set back by (.+) s. Leases and periodic jobs go on; what waits for a time, and "
        "links, go by the new one. Have the machine follow a time server.",
        "时钟被拨慢 {0} 秒。租约和定时任务继续；等待时间的任务和链接按新时钟。请让本机与时间服务器同步。",
    ),
    (
        "The audit chain does not hold at event (.+): (.+).",
        "审计链在事件 {0} 处不成立：{1}。",
    ),
    (
        "This machine's clock and the database's differ by (.+) s.",
        "本机时钟与数据库时钟相差 {0} 秒。",
    ),
    (
        "The road service gives no driving times: (.+) Those it has not given are estimated. `gridcrew "
        "doctor` tells whether it answers again.",
        "路网服务未给出车程：{0} 未给出的按距离估算。`gridcrew doctor` 可查看其是否恢复。",
    ),
)


def in_chinese(alert: str) -> str:
    """The alert's text in Chinese; one of unknown shape stays as it is."""
    return _SHAPES.in_chinese(alert)


def items_in_chinese(items: Iterable[Item]) -> list[Item]:
    """The watch list with its alerts in Chinese."""
    return [replace(item, text=in_chinese(item.text)) if item.text else item for item in items]


def rows_in_chinese(rows: Iterable[AlertRow]) -> list[AlertRow]:
    """The alerts in Chinese."""
    return [replace(row, text=in_chinese(row.text)) for row in rows]
