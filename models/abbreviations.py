"""Tell a full stop after an abbreviation from the end of a sentence, in Russian, Ukrainian and English."""

import re

# As written before a full stop: anything may follow these,
_SEE = frozenset("см напр ср цит див порівн cf vs v".split())
# a name these, of people, places and things (what also ends sentences as a word is left out: суд, ряд, марш, мин),
_TITLES = frozenset(
    "проф акад доц канд асп преп инж інж дир нач зам заст зав пом секр пред предс през деп кер ред корр спецкор кор "
    "сотр співроб адв прок инсп інсп тов гр гражд п пп т дж ген полк подполк підполк подп підп кап лейт серж ефр єфр "
    "солд матр мичм адм атам гетм гетьм кн имп імп митр прот протод протоиер архиеп архиєп архієп еп єп архим архім "
    "игум ігум иером ієром диак дияк свящ патр кард преосв ап прп св свв о ул просп пл пер наб пос дер оз мкр вул "
    "пров бульв узв смт хут г с м д р ш им ім орд журн mr mrs ms messrs dr drs prof profs hon rt gov govs pres sen "
    "sens rep reps amb sec atty asst dep cllr mme mlle gen gens lt lts col cols maj capt cmdr cdr cpl lcpl sgt sgts "
    "ssgt msgt spc pfc pvt pte ens adm vadm radm brig det insp supt rev revs fr msgr br abp bp st ste ft mt".split()
)
# a number, a Roman numeral or a letter these, and only a number the next.
_COUNTERS = frozenset(
    "ст ч п пп гл розд разд табл т тт с стр кор корп буд кв оф каб под эт лит прил прилож дод подп підп абз вып вип "
    "кн сер илл іл прим кат д к ул просп пл наб пер вул бульв пров ш им ім art arts sec secs fig figs vol vols ch chs "
    "chap p pp para paras pt bldg hwy ver mk bk cl".split()
)
_NUMBERED = frozenset(
    "рис тел факс моб доб вн ок бл прибл орієнт no nos approx ca ext tel apt ste янв фев февр апр июн июл авг сен "
    "сент окт ноя нояб дек січ лют бер берез квіт трав черв лип серп верес жовт листоп груд jan feb mar apr jun jul "
    "aug sep sept oct nov dec".split()
)
_UNITS = frozenset("ч мин сек год хв тыс тис млн млрд руб грн м км".split())
_YEARS = frozenset("г гг р рр".split())
_KNOWN = _TITLES | _COUNTERS | _NUMBERED | _UNITS | _YEARS

_ABBREVIATION = re.compile(r"(?<![^\W_])([^\W\d_]+)\.\Z")
_FIXED = re.compile(r"\b(?:т\.\s*(?:е|к|н|зв|ч)|[ив]\.\s*о|e\.g|i\.e)\.\Z", re.IGNORECASE)
# "с. н. с.", "к. ф.-м. н.", and a private in a row of soldiers.
_POST = re.compile(
    r"(?:\b[вгмс]\.\s*н\.\s*с|\b[дк]\.\s*(?:\w{1,2}\.[\s-]*){1,2}н|(?:[,(:]|\b(?:и|й|і|та))\s+ряд|\bРяд)\.\Z"
)
_FIRM = re.compile(r"\b(?:Bros|Cos?|Corp|Mfg|Intl|Inds|Labs)\.\Z")
_KIND_OF_FIRM = re.compile(r"(?:Inc|Ltd|LLC|PLC|Corp|Cos?)\b(?!-)")
_MEASURED = re.compile(r"(?:[\dIVXІХ]|\b(?:млн|млрд|тыс|тис|кв|куб)\.?|-(?:\w{1,2})?)\s*\Z")
_SPACED = re.compile(r"\b[^\W\d_]\.\s*\Z")
_NUMBER = re.compile(r"[+(]{0,2}\d")
_ORDINAL = re.compile(r"\d+(?:-\w|(?:st|nd|rd|th)\b)")
_ROMAN = re.compile(r"(?:[IVXLCІХ]{2,7}|[VX])(?!\w|\.\w)")
_LETTER = re.compile(r"[A-ZА-ЯІЇЄҐ](?:\.?\Z|\.\s|[,;:)\]»–—-]|\s(?:и|і|та|and|or)\s)|«")
_ASIDE = re.compile(r"\([^\W_A-ZА-ЯЁІЇЄҐ]|№")

# Words that open a sentence after an initial, an acronym ("in the U.S. The allies ...") or a title, and are no names.
_OPENERS = frozenset(
    "The A An It Its He His She Her They Their We Our You Your I My This That These Those There Here But And Or So In "
    "On At As If For From To Of By With Without Among Since Because While Although Though However Meanwhile Then Now "
    "Today Yesterday Later Earlier Once Yet Only Even Not No Nobody Nothing None Some Any All Many Most Several Both "
    "Each Every Neither Such Other Others Another One Two Three What Which Who When Where Why How After Before During "
    "Until Under Over Between Against According Asked Instead Он Она Оно Они Мы Вы Я Это Этот Эта Эти Эту Его Её Ее "
    "Их Ему Сам Сама Сами Тот Та Те Такой Такая Такие Все Всё Каждый Многие Некоторые Другие Один Одна Два Две Три "
    "Никто Ничто Но А И Или Да Нет В Во На По С Со К Ко О Об От До Для При Про За Из Под Над Без Через Между После "
    "Перед Среди Против Как Так Также Тогда Теперь Сейчас Сегодня Вчера Завтра Ранее Позже Затем Потом Уже Ещё Еще "
    "Только Даже Однако Если Хотя Чтобы Пока Поэтому Что Кто Когда Где Там Здесь Почему Не Ни Він Вона Воно Вони Ми "
    "Ви Це Цей Ця Ці Цю Його Її Їх Йому Той Ті Такий Така Такі Усі Всі Усе Кожен Багато Деякі Інші Дві Ніхто Ніщо Але "
    "І Й Або Чи Ні У Від Із Зі З Між Після Серед Проти Щодо Тоді Тепер Зараз Сьогодні Вчора Раніше Пізніше Потім Вже "
    "Ще Лише Тільки Навіть Проте Водночас Якщо Хоча Щоб Поки Тому Що Хто Коли Де Тут Чому Які".split()
)
_FIRST_WORD = re.compile(r"[^\W\d_]+(?=\s)")
# Nor have surnames these endings; and in "Левицький Р. П." the surname has been.
_NO_SURNAME = re.compile(r"[А-ЯІЇЄҐ]\w+(?:ння|ття|[нт]ие|ц[иі]я|[оі]сть|ство|дент|ть?ся|лись|[ыо]е|[сц]ькі)\s")
_SURNAME_BEFORE = re.compile(r"\b[А-ЯІЇЄҐ]\w+(?:[оеєё]в|[иі]н|[сц]ь?к(?:ий|ая|а)|енко|йко|[ую]к)\s+[А-ЯІЇЄҐ]\.\s*\Z")
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
    if _FIXED.search(before) or (_FIRM.search(before) and _KIND_OF_FIRM.match(after)):
        return True
    opener = _FIRST_WORD.match(after)
    opens = bool(opener and opener[0] in _OPENERS)
    word, lead = match[1], before[: match.start()]
    name = word.lower()
    if _POST.search(before):
        return not opens
    if len(word) == 1 and word.isupper():
        # No name follows "дод. Б.".
        counter = _ABBREVIATION.search(lead.rstrip())
        lettered = counter and counter[1].lower() in _COUNTERS - _TITLES
        return not (opens or lettered or _NO_SURNAME.match(after) or _SURNAME_BEFORE.search(lead))
    if name == "m" and re.search(r"\b[ap]\.\Z", lead):
        return bool(_TIMED.match(after))
    spaced = len(word) == 1 and bool(_SPACED.search(lead))
    measured = spaced or bool(_MEASURED.search(lead))
    if name in _SEE:
        return not (measured and name == "см")
    if name in _KNOWN and _ASIDE.match(after):
        return True
    if _NUMBER.match(after):
        if name in _NUMBERED or (name in _COUNTERS and not spaced) or (name in _UNITS and measured):
            return True
        return bool(_ORDINAL.match(after)) and name in _TITLES and not measured
    if name in _YEARS and measured:
        # "В 2024 г. Совет ...": so few words before a year are no sentence yet.
        return len(before.split()) <= 4
    if name in {"дол", "долл"}:
        return after.startswith("США")
    # "Art. I, Sec. 8", but not "modern art. I, however, ..."
    letter = not measured and not (word.isascii() and word.islower()) and bool(_LETTER.match(after))
    if name in _COUNTERS and not spaced and (letter or _ROMAN.match(after)):
        return True
    # Capitals (BP, ЕП) are names of their own, and "Wall St. The ..." ends.
    titled = name in _TITLES and not (len(word) > 1 and word.isupper())
    return titled and not ((word.islower() or name == "st") and (measured or opens))
