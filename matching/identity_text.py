"""Text as two hands may have written it, brought to one form: letters, numerals, Chinese characters and how they sound.

What enters: one cell of a table. What leaves: the same cell folded (width, case, accents, traditional characters), its
sound without tones, its sound as a careless ear hears it, and its shape with look-alike characters made one. Called by
`identity_records`; nothing here compares. Each function costs the length of its text.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

_OLD = (
    "張陳劉楊黃趙吳孫馬羅鄭謝馮韓許鄧蕭葉蘇盧蔣賈餘閻鍾譚陸鄒畢湯顏龍錢嚴賴龔樊萬賀"
    "國華偉麗軍紅強蘭鳳蓮貴愛雲飛勝慶傑銀寶學長學義禮賢榮樂興東亞業達遠進順應會發興園"
    "區縣鎮鄉號樓單棟渝與開關豐滿漢濱銅長壽橋門頭溝灣嶺廣場車線戶參個維聯綠舊"
    "瓊艷靜鵬鋒輝潔嬌麗蘋蓮瑩鑫齊圓媽爾紹繼紀純紅約級緒緯練續纓釗鈞鐘鋼錦鎮"
    "顧項頌頓頡願類騰驍驕鳴鴻麥黨齡輪軒輔輩輯農迎遙遠選適郵闊陽陰際隨雙雞難"
    "書會東來倫們側傳傾優兒兩冊凍凱別劃則剛創務動勞勳勵勻協卻厲叢吉啟嘆嚮團圍堅塊報"
)
_NEW = (
    "张陈刘杨黄赵吴孙马罗郑谢冯韩许邓萧叶苏卢蒋贾余阎钟谭陆邹毕汤颜龙钱严赖龚樊万贺"
    "国华伟丽军红强兰凤莲贵爱云飞胜庆杰银宝学长学义礼贤荣乐兴东亚业达远进顺应会发兴园"
    "区县镇乡号楼单栋渝与开关丰满汉滨铜长寿桥门头沟湾岭广场车线户参个维联绿旧"
    "琼艳静鹏锋辉洁娇丽苹莲莹鑫齐圆妈尔绍继纪纯红约级绪纬练续缨钊钧钟钢锦镇"
    "顾项颂顿颉愿类腾骁骄鸣鸿麦党龄轮轩辅辈辑农迎遥远选适邮阔阳阴际随双鸡难"
    "书会东来伦们侧传倾优儿两册冻凯别划则刚创务动劳勋励匀协却厉丛吉启叹向团围坚块报"
)
_SIMPLE = str.maketrans(_OLD, _NEW) | str.maketrans(
    "昇甯崑峯喆堃燿劍鏡總醫護養殘婦協濟貧體數據險", "升宁昆峰哲坤耀剑镜总医护养残妇协济贫体数据险"
)

_ALIKE = (
    "未末 己已巳 士土 日曰 大太犬 干千于 人入八 候侯 肖萧 付傅 代戴 闫阎 邱丘 凤风 玲铃伶 辰晨 卢户 莉利 刚钢 梅海 "
    "珍诊 秀季 兰三 芬芳 明朋 晴睛 清请情 杨扬 杜社 汪江 陈阵 李季 王玉五 刘浏 田由甲申 石右 白自 平乎 永水 "
    "贝见 云去 元无 天夫 文父 方万 牛午 丰车 木本术 林材 庆厌 淑俶 燕熊 勇男 建健 俊峻骏 伟纬 峰锋 华桦 洁浩 "
    "波皮 萍苹 娟捐 丽雨 琴琹 霞霄 雪雷 磊垒 鑫金 斌武 彬杉 涛寿 祥详 冰水 军车 惠慧 蓉榕 桂挂 英央 红江 宇字 "
    "远运 坤坪 怡恰 欣欢 曼蔓 颖颍 璐路 倩清 莹萤 曦曜 妍研 妮泥 婷停 芸芒 菊鞠 竹行 贵责 厚原"
)
_SHAPE = {mark: group[0] for group in _ALIKE.split() for mark in reversed(group)}

_EAR = (
    (re.compile("^zh"), "z"),
    (re.compile("^ch"), "c"),
    (re.compile("^sh"), "s"),
    (re.compile("^l"), "n"),
    (re.compile("^hu(?=.)"), "f"),
    (re.compile("ng$"), "n"),
)
_SURNAME_SOUND = {
    "曾": "zeng", "单": "shan", "解": "xie", "仇": "qiu", "任": "ren", "查": "zha", "盖": "ge", "区": "ou",
    "朴": "piao", "翟": "zhai", "乐": "yue", "覃": "qin", "尉": "wei", "召": "shao", "华": "hua", "缪": "miao",
}  # fmt: skip
_COMPOUND = "欧阳上官司马诸葛东方皇甫尉迟公孙慕容令狐夏侯司徒端木轩辕南宫独孤申屠淳于单于太史公冶宇文"
COMPOUND = frozenset(_COMPOUND[at : at + 2] for at in range(0, len(_COMPOUND), 2))
_NOTHING_SAID = "- -- --- n/a na nan nil none null unknown unk 无 没有 不详 未知 空 暂无 待补 未填 ? / . x xx xxx"
_NOTHING = frozenset(_NOTHING_SAID.split())


def fold(text: str) -> str:
    """Width, case and accents made one, blanks single, traditional characters simple; words for nothing are nothing.

    >>> fold(" ＪＯＳÉ  de la Cruz "), fold("張偉"), fold("不详")
    ('jose de la cruz', '张伟', '')
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).translate(_SIMPLE))
        text = "".join(mark for mark in text if not unicodedata.combining(mark))
        text = unicodedata.normalize("NFC", text)
    text = " ".join(text.lower().split())
    return "" if text in _NOTHING else text


def is_han(text: str) -> bool:
    """Whether Chinese characters are in it."""
    return any("\u3400" <= mark <= "\u9fff" or mark == "〇" for mark in text)


@cache
def syllable(mark: str) -> str:
    """One character's sound without tone; another script is its own sound."""
    from pypinyin import Style, lazy_pinyin  # slow to load, and most commands meet no name

    return lazy_pinyin(mark, style=Style.NORMAL)[0].replace("ü", "v")


@cache
def _heard(sound: str) -> str:
    for pattern, becomes in _EAR:
        sound = pattern.sub(becomes, sound)
    return sound


def sounds(text: str, *, surname: bool = False) -> tuple[str, str]:
    """How a folded name sounds, and how a careless ear (n as l, zh as z, ing as in) hears it.

    >>> sounds("曾", surname=True), sounds("丽娜"), sounds("linda")
    (('zeng', 'zen'), ('lina', 'nina'), ('linda', 'linda'))
    """
    if not is_han(text):
        letters = "".join(filter(str.isalnum, text))
        return letters, letters
    parts = [syllable(mark) for mark in text if mark.isalnum()]
    if surname and text in _SURNAME_SOUND:
        parts = [_SURNAME_SOUND[text]]
    return "".join(parts), "".join(map(_heard, parts))


def shape(text: str) -> str:
    """The text with look-alike characters made one."""
    return "".join(_SHAPE.get(mark, mark) for mark in text)


def split_name(text: str) -> tuple[str, str]:
    """Surname and given name of one folded full name; a single Latin word is all given name.

    >>> split_name("欧阳娜娜"), split_name("wang, wei"), split_name("anna maria smith"), split_name("买买提·艾力")
    (('欧阳', '娜娜'), ('wang', 'wei'), ('smith', 'anna maria'), ('艾力', '买买提'))
    """
    text = re.sub(r"[·•・‧∙]", "·", text)
    if is_han(text):
        text = text.replace(" ", "")
        if "·" in text:
            first, _, last = text.rpartition("·")
            return last, first
        cut = 2 if text[:2] in COMPOUND and len(text) > 2 else 1
        return text[:cut], text[cut:]
    if "," in text:
        last, _, first = text.partition(",")
        return last.strip(), first.strip()
    first, _, last = text.rpartition(" ")
    return (last, first) if first else ("", last)
