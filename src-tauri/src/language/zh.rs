//! Chinese.

use super::Words;

pub(super) const WORDS: Words = Words {
    tag: "zh",
    point: '.',
    bytes: "{} 字节",
    tray_idle: "没有正在下载的内容",
    tray_one: "1 个下载",
    tray_many: "{} 个下载",
    show_longhaul: "显示 Longhaul",
    pause_all: "全部暂停",
    resume_all: "全部继续",
    quit: "退出",
    verified: "已完成并通过校验",
    complete: "已完成",
    open: "打开",
    show_in_folder: "在文件夹中显示",
    many_complete: "{} 个下载已完成",
    failed: "无法下载",
    kept: "已保留 {}",
    show: "显示",
    retry: "重试",
    many_failed: "{} 个下载失败",
    retry_all: "全部重试",
    more: "以及另外 {} 个",
    choose_folder: "下载的保存位置",
    save_list: "保存列表和设置",
    take_list: "导入已保存的列表",
    copied: "复制了文件链接",
    copied_what: "在您开始之前，不会下载任何内容。",
};
