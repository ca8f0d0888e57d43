"""What somebody wrote in a mail themselves: without what they quote, their signature and legal notices. Text in, text
out; it knows no meaning. What it cannot tell apart stays: a person rather reads a line too many."""

from __future__ import annotations

import re

MOST_WORDS_IN_A_SIGNATURE_LINE, LEAST_WORDS_IN_A_SENTENCE = 9, 3

_HEADER = r"(?:from|von|de|da|van|od|expéditeur)"
_SENT = r"(?:sent|gesendet|date|datum|envoyé|enviado|inviato|data|verzonden|wysłano)"
_MORE_HEADERS = r"(?:an|to|à|para|a|aan|do|subject|betreff|objet|asunto|oggetto|onderwerp|temat|cc)"
_FROM = re.compile(rf"\W*\*?{_HEADER}\*?\s?:\*?\s?\S.*", re.IGNORECASE)
_FIELD = re.compile(rf"\W*\*?(?:(?P<sent>{_SENT})|{_MORE_HEADERS})\*?\s?:.*", re.IGNORECASE)
_SEPARATOR = re.compile(
    r"\s*-{2,}\s*(?:original message|original appointment|forwarded message|ursprüngliche nachricht|"
    r"originalnachricht|weitergeleitete nachricht|message d'origine|message transféré|mensaje original|"
    r"messaggio originale|oorspronkelijk bericht)\s*-{2,}.*"
    r"|\s*(?:begin forwarded message|anfang der weitergeleiteten (?:nachricht|e-mail))\s?:.*",
    re.IGNORECASE,
)
_ATTRIBUTION = re.compile(
    r"\s*(?:on|am|le|el|il|op)\s(?=.*[\d@])"
    r"(?!.*\b(?:i|we|us|our|you|as follows|ich|wir|uns|unser\w*|ihnen|folgend\w*)\b)"
    r".{0,250}?\b(?:wrote|schrieb|a écrit|escribió|ha scritto|schreef)\b[^\n]{0,150}:\s*",
    re.IGNORECASE,
)
"""As programs write it, with a time or an address; who tells of a letter in their own words says something."""
_QUOTED = re.compile(r"\s{0,3}[>|]")
_SIGNATURE = re.compile(r"(?:--|__+|—)\s*")
_PHONE = re.compile(
    r"\s*(?:sent from my|sent from outlook|get outlook for|von meinem .{1,40} gesendet|gesendet von|envoyé de mon|"
    r"diese nachricht wurde von meinem)\b.*",
    re.IGNORECASE,
)
_NOTICE = re.compile(
    r"\W*(?:if you are not the intended recipient|confidentiality notice|disclaimer\b|please consider the environment|"
    r"(?:please )?think before (?:you )?print|vertraulichkeitshinweis|hinweis zum datenschutz|"
    r"bitte denken sie an die umwelt)",
    re.IGNORECASE,
)
_OF_ITSELF = re.compile(
    r"\W*(?:(?:the (?:information|contents?) (?:contained )?(?:in|of) )?this "
    r"(?:e-?mail|message|communication|transmission)|(?:der inhalt )?diese[rs]? (?:e-?mail|mail|nachricht))\b",
    re.IGNORECASE,
)
_CONFIDENTIAL = re.compile(
    r"confidential|privileged|intended (?:only|solely|exclusively|recipient|for the)|addressee|vertraulich|"
    r"rechtlich geschützt|(?:adressat|empfänger)\w* bestimmt|ausschließlich für",
    re.IGNORECASE,
)
"""A mail that speaks of itself is a notice only where it says this soon: `this e-mail is our complaint` is none."""
_SIGN_OFF = re.compile(
    r"\s*(?i:mit (?:freundlichen|besten|herzlichen|vielen|lieben) gr(?:ü|ue)(?:ß|ss)en|(?:freundliche|beste|viele|"
    r"liebe|herzliche|schöne) gr(?:ü|ue)(?:ß|ss)e|gr(?:u|ü)(?:ß|ss)e?|mfg|vg|lg|hochachtungsvoll|(?:kind|best|warm|"
    r"with kind|with best|kindest)? ?regards|best(?: wishes)?|yours (?:sincerely|faithfully|truly)|sincerely|cheers|"
    r"cordialement|saludos|cordiali saluti|met vriendelijke groet(?:en)?)[,.!]?\s*"
    r"(?:(?:aus|from) \w+)?\s*(?:[A-ZÄÖÜ][\w.-]*\s*){0,4}"
)
"""With a name on the same line or without."""
_DENIES = re.compile(r"\b(?:not|never|nicht|nie|kein\w*)\b|n['’]t\b", re.IGNORECASE)
_POSTSCRIPT = re.compile(r"\s*(?:p\.?\s?s\.?|n\.?b\.?)\s?:?\s", re.IGNORECASE)
_END = re.compile(r"(?<=[^\W\d])[.!]+(?=\s|$)|(?<=\d{3})\.(?=\s|$)|(?<=\?)|(?<=!)|\n")
_JOINT = re.compile(
    r",(?!\s?\d)|[;:()–—]|\s-\s|\b(?:and|but|because|so|und|aber|sondern|weil|denn|dass|daß)\b", re.IGNORECASE
)
_WRAPPED = re.compile(r"(?<![.,:;!?\n])\n(?![\n\s*•–-])")


def written(text: str) -> str:
    """What its writer wrote, paragraphs kept, nothing else; empty when it is all quoted."""
    lines = _unquoted(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(_unsigned(lines))).strip()


def unmarked(text: str) -> str:
    """All that may be its writer's: with signatures, notices, and what is quoted without a mark of its own."""
    return "\n".join(_unquoted(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), doubting=True))


def sentences(text: str) -> list[str]:
    """Sentence by sentence, as far as marks and paragraphs tell; lines broken by a mail program are joined again. A dot
    after one or two digits ends nothing: `am 10.12. zahlen wir` is one sentence."""
    whole = _WRAPPED.sub(" ", text)
    return [part.strip() for part in _END.split(whole) if part.strip()]


def clauses(sentence: str) -> list[str]:
    """Its parts, as far as marks and the commonest joining words tell; a comma before a digit (a year, cents) joins."""
    return [part.strip() for part in _JOINT.split(sentence) if part.strip()]


def _unquoted(lines: list[str], doubting: bool = False) -> list[str]:
    """Ends at the first mark that the rest is quoted; where each quoted line has a mark of its own, what stands between
    and below them stays, as some answer there. Doubting, it takes no announced quotation for one."""
    kept: list[str] = []
    position = 0
    while position < len(lines):
        line = lines[position]
        said = _attribution(lines, position)
        if said:
            following = next((each for each in lines[position + said :] if each.strip()), "")
            if not _QUOTED.match(following) and not doubting:
                break
            position += said
            continue
        if _SEPARATOR.fullmatch(line) or _is_header_block(lines, position):
            break
        if not _QUOTED.match(line):
            kept.append(line)
        position += 1
    return kept


def _attribution(lines: list[str], position: int) -> int:
    """How many lines from here on say who wrote what follows; mail programs break them."""
    for count in (1, 2, 3):
        if _ATTRIBUTION.fullmatch(" ".join(lines[position : position + count])[:500]):
            return count
    return 0


def _is_header_block(lines: list[str], position: int) -> bool:
    """Outlook's way: From, Sent, To, Subject, and then the mail itself without a mark. No program leaves the time out,
    people do who write a heading."""
    if not _FROM.fullmatch(lines[position][:500]):
        return False
    found = [field for each in lines[position + 1 : position + 6] if (field := _FIELD.fullmatch(each[:500]))]
    return len(found) >= 2 and any(field["sent"] for field in found)


def _unsigned(lines: list[str]) -> list[str]:
    kept: list[str] = []
    for position, line in enumerate(lines):
        if _is_notice(lines, position) or (_SIGNATURE.fullmatch(line) and kept):
            return kept
        if _SIGN_OFF.fullmatch(line[:200]) and any(each.strip() for each in kept):
            return kept + _after_the_sign_off(lines[position + 1 :])
        if not _PHONE.fullmatch(line[:200]):
            kept.append(line)
    return kept


def _is_notice(lines: list[str], position: int) -> bool:
    if _NOTICE.match(lines[position][:500]):
        return True
    soon = " ".join(lines[position : position + 3])[:500]
    return _OF_ITSELF.match(soon) is not None and _CONFIDENTIAL.search(soon) is not None


def _after_the_sign_off(lines: list[str]) -> list[str]:
    """What is no signature any more: a postscript and all that follows it, and what reads like a sentence."""
    kept: list[str] = []
    postscript = False
    for position, line in enumerate(lines):
        if _is_notice(lines, position) or _SIGNATURE.fullmatch(line):
            break
        postscript = postscript or _POSTSCRIPT.match(line[:50]) is not None
        if postscript or _is_a_sentence(line):
            kept.append(line)
    return ["", *kept] if kept else []


def _is_a_sentence(line: str) -> bool:
    """Long, or with a word in lower case among three and an end or a denial: no name, office or address has both."""
    told = line.split()
    if len(told) > MOST_WORDS_IN_A_SIGNATURE_LINE:
        return True
    ends = line.rstrip().endswith((".", "!", "?")) or _DENIES.search(line) is not None
    return len(told) >= LEAST_WORDS_IN_A_SENTENCE and ends and any(word[:1].islower() for word in told)
