//! Japanese.

use super::Words;

pub(super) const WORDS: Words = Words {
    tag: "ja",
    point: '.',
    bytes: "{} バイト",
    tray_idle: "ダウンロード中のものはありません",
    tray_one: "ダウンロード 1 件",
    tray_many: "ダウンロード {} 件",
    show_longhaul: "Longhaul を表示",
    pause_all: "すべて一時停止",
    resume_all: "すべて再開",
    quit: "終了",
    verified: "完了・検証済み",
    complete: "完了",
    open: "開く",
    show_in_folder: "フォルダーで表示",
    many_complete: "{} 件のダウンロードが完了しました",
    failed: "ダウンロードできませんでした",
    kept: "{} を保持",
    show: "表示",
    retry: "再試行",
    many_failed: "{} 件のダウンロードに失敗しました",
    retry_all: "すべて再試行",
    more: "ほか {} 件",
    choose_folder: "ダウンロードの保存先",
    save_list: "リストと設定を保存",
    take_list: "保存したリストを取り込む",
    copied: "ファイルへのリンクがコピーされました",
    copied_what: "開始するまで何もダウンロードされません。",
};
