"""Tell a full stop after an abbreviation from the end of a sentence, in Russian, Ukrainian and English."""

import re

_SEE = frozenset("см напр ср цит див порівн cf vs v".split())
"""Before anything."""
_TITLES = frozenset(
    # People: learning, office, law, rank, church. What is also a word in its own right is left out (суд, марш, гол).
    "проф акад доц кор канд преп асп инж інж мл науч сотр співроб дир нач зам заст зав пом секр ред гл пред предс деп "
    "нар див рук кер мин през прем сов адв прок инсп інсп нот тов гр гражд п пп "
    "ген полк подполк підполк подп підп кап лейт серж ефр єфр солд матр мичм адм гетм гетьм атам кн имп імп "
    "митр прот протод протоиер архиеп архиєп еп єп архим архім игум ігум иером ієром иерод ієрод диак дияк свящ патр "
    "кард пресв преосв о ап прп св свв блж "
    "mr mrs ms mx messrs dr drs prof profs hon rt gov govs pres sen sens rep reps amb sec atty asst dep cllr ald mme "
    "mlle gen gens lt lts col cols maj capt cmdr cmdt cdr cpl lcpl sgt sgts ssgt msgt spc pfc pvt pte ens adm vadm "
    "radm brig det insp supt rev revs fr msgr mgr br abp bp st ste ft mt pt "
    # Places, names of things, callings of the press.
    "ул просп пл пер наб пос дер оз г с м д р т ш им вул пров бульв узв смт хут мкр ім орд журн корр спец "
    "спецкор дж".split()
)
_COUNTERS = frozenset(
    "ст ч п пп гл розд разд табл т тт с стр кор корп буд кв оф каб под эт лит прил прилож дод підп подп абз парагр "
    "вып вип кн сер уч поз илл іл мал д к art arts sec secs fig figs vol vols ch chs chap p pp para paras pt pts "
    "ste bldg hwy ver mk eq bk cl ул просп пл наб пер вул бульв пров им ім кат прим".split()
)
"""Before a number, a Roman numeral or a letter."""
_NUMBERED = frozenset(
    "рис тел факс моб доб вн ок бл прибл орієнт no nos approx ca est ext tel apt "
    "янв фев февр апр июн июл авг сен сент окт ноя нояб дек січ лют бер берез квіт трав черв лип серп верес жовт "
    "листоп груд jan feb mar apr jun jul aug sep sept oct nov dec".split()
)
_UNITS = frozenset("ч мин сек год хв тыс тис млн млрд руб грн м км".split())
_YEARS = frozenset("г гг р рр".split())
_ABBREVIATION = re.compile(r"(?<![^\W_])([^\W\d_]+)\.\Z")
_FIXED = re.compile(
    r"\b(?:т\.\s*(?:е|к|н|зв|ч)|[ив]\.\s*о|e\.g|i\.e|[гвсм]\.\s*н\.\s*с|[дк]\.\s*(?:\w{1,2}\.[\s-]*){1,2}н)\.\Z"
    # In a row of soldiers; the word "ряд" ends sentences.
    r"|(?:[,(:]|\b[иійй]|\bта)\s+ряд\.\Z",
    re.IGNORECASE,
)
_COMPANY = re.compile(r"(?:Inc|Ltd|Corp|Co|LLC|PLC)\b")
_MEASURED = re.compile(r"(?:\d|\b(?:млн|млрд|тыс|тис|кв|куб)\.?|\b[^\W\d_]\.|-(?:\w{1,2})?)\s*\Z")
_SPACED = re.compile(r"\b[^\W\d_]\.\s*\Z")
_ORDINAL = re.compile(r"\d+(?:-\w|st\b|nd\b|rd\b|th\b)")
_NUMBER = re.compile(r"[+№#(]{0,2}\d")
_ROMAN = re.compile(r"(?:[IVXLCІХ]{2,7}|[VX])\b(?![.-]\w)")
_LETTER = re.compile(r"[A-ZА-ЯІЇЄҐ](?:\.?\Z|\.\s|[,;:)\]»–—-]|\s(?:и|і|та|and|or)\s)|«")
_ASIDE = re.compile(r"\([^\W_A-ZА-ЯЁІЇЄҐ]")
# What opens a sentence after an initial, an acronym ("in the U.S. The allies ...") or a title, and is no name: words
# of the closed classes, endings that no surname has; and "Левицький Р. П." has had its surname.
_OPENERS = frozenset(
    "The A An It Its He His She Her They Their We Our You Your I My This That These Those There Here But And Or So In "
    "On At As If For From To Of By With Without Among Since Because While Although Though However Meanwhile Then Now "
    "Today Yesterday Later Earlier Once Still Yet Only Even Not No Nobody Nothing None Some Any All Many Most Several "
    "Both Each Every Either Neither Such Other Others Another More Less One Two Three What Which Who When Where Why "
    "How After Before During Until Under Over Between Against According Asked Instead Last "
    "Он Она Оно Они Мы Вы Я Это Этот Эта Эти Эту Его Её Ее Их Им Ему Ей Мне Нам Вам Его Свой Сам Сама Сами Тот Та Те "
    "Такой Такая Такие Все Всё Весь Каждый Многие Некоторые Другие Один Одна Два Две Три Оба Никто Ничто Но А И Или "
    "Да Нет В Во На По С Со К Ко О Об От До Для При Про За Из Под Над Без Через Между После Перед Среди Против Как "
    "Так Также Тогда Теперь Сейчас Сегодня Вчера Завтра Ранее Позже Затем Потом Уже Ещё Еще Только Даже Однако Если "
    "Хотя Чтобы Пока Потому Поэтому Что Кто Когда Где Куда Там Здесь Почему Какой Не Ни "
    "Він Вона Воно Вони Ми Ви Це Цей Ця Ці Цю Його Її Їх Їм Йому Їй Мені Нам Свій Той Ті Такий Така Такі Усі Всі Все "
    "Усе Кожен Багато Деякі Інші Одна Дві Обидва Обидві Ніхто Ніщо Але Та І Й Або Чи Так Ні У Від Із Зі З Під Без "
    "Через Між Після Серед Проти Щодо Як Також Тоді Тепер Зараз Сьогодні Вчора Раніше Пізніше Потім Вже Уже Ще Лише "
    "Тільки Навіть Однак Проте Водночас Якщо Хоча Щоб Поки Тому Що Хто Коли Де Куди Тут Чому Який Яка Які".split()
)
_NO_NAME = re.compile(r"[А-ЯІЇЄҐ][\w'’]*(?:ння|ття|ние|тие|ция|ція|ость|ість|ство|дент|тель|ся|сь|ые|ое|ські|цькі)\s")
_FIRST_WORD = re.compile(r"[^\W\d_]+(?=\s)")
_SURNAME_FIRST = re.compile(r"\b[А-ЯІЇЄҐ][\w'’]+(?:[оеєё]в|[иі]н|[сц]ь?к(?:ий|ая|а)|енко|[ую]к)\s+[А-ЯІЇЄҐ]\.\s*\Z")
_TIMED = re.compile(r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|GMT|UTC|E[SD]?T\b|Eastern")


def abbreviates(before: str, after: str) -> bool:
    """Tell whether the full stop that ends `before` belongs to an abbreviation or an initial.

    Both are the text around one place: what ends with the full stop, and what follows the white space after it.

    >>> abbreviates("проф.", "Иванов"), abbreviates("до 2030 г.", "15 стран"), abbreviates("in the U.S.", "The allies")
    (True, False, False)
    """
    match = _ABBREVIATION.search(before)
    if not match:
        return False
    if _FIXED.search(before) or _COMPANY.match(after):
        return True
    word, lead = match[1], before[: match.start()]
    name = word.lower()
    if len(word) == 1 and word.isupper():
        return not (_opens_sentence(after) or _SURNAME_FIRST.search(lead) or _labels(lead))
    if name == "m" and re.search(r"\b[ap]\.\Z", lead):
        return bool(_TIMED.match(after))
    measured = bool(_MEASURED.search(lead))
    if name in _SEE:
        return not measured
    ...
