"""Hash and check passwords, and reject weak ones."""

import asyncio
import logging
import string
import unicodedata
import warnings

from app.kernel.errors import InvalidInput

with warnings.catch_warnings():  # passlib asks argon2 for its version in a deprecated way
    warnings.simplefilter("ignore", DeprecationWarning)
    from passlib.context import CryptContext
    from passlib.hash import argon2

    argon2.get_backend()

# passlib logs a trace because bcrypt 4.3 has no __about__; hashing works all the same.
logging.getLogger("passlib.handlers.bcrypt").setLevel(logging.ERROR)

MIN_LENGTH = 10
MAX_LENGTH = 256
_FEWEST_CHARACTERS = 4

# OWASP's minimum for argon2id: about 40 ms here, and 19 MB while it runs.
_context = CryptContext(
    schemes=["argon2", "bcrypt_sha256"],
    deprecated=["bcrypt_sha256"],
    argon2__memory_cost=19_456,
    argon2__time_cost=2,
    argon2__parallelism=1,
)

_FIRST_GUESSES = """
0123456789 0987654321 1029384756 1111111111 1122334455 1212121212 1234512345 1234554321 1234567890
12345678910 123456789a 123456789q 1234567891 12345qwert 1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx3edc
9876543210 a123456789 aa12345678 abc1234567 abcd123456 abcd1234567 abcdefghij abcdefghijk
administrator adminadmin alexander1 asdfasdfasdf asdfghjkl1 asdfghjkl; basketball baseball123
changeme123 charlie123 christopher computer123 correcthorsebatterystaple dragon12345 football123
football1234 iloveyou12 iloveyou123 iloveyou1234 letmein123 letmein1234 liverpool1 manchester1
michael123 monkey12345 p@ssw0rd123 p@ssword123 passw0rd123 password00 password01 password11
password12 password123 password123! password1234 password12345 password2024 password2025
password2026 passwordpassword princess123 princess1234 q1w2e3r4t5 q1w2e3r4t5y6 qazwsxedcrfv
qwerasdfzxcv qwerty1234 qwerty12345 qwerty123456 qwertyqwerty qwertyuiop qwertyuiop1 qwertyuiop123
qwertyuiop[] secret12345 superman123 sunshine123 test123456 testtest123 trustno1234 welcome123
welcome1234 welcome12345 zaq12wsxcde zxcvbnm123 zxcvbnm1234
"""
_COMMON_WORDS = """
abc abcd access adidas admin administrator agentloom alexander amanda andrea andrew angel anthony apple
arsenal asdf asdfgh asdfghjkl ashley austin azerty banana barcelona baseball basketball batman benjamin berlin
blink bonjour brandon buster butterfly canada carlos changeme charlie cheese chelsea chicken chocolate chris
christian computer cookie corvette cowboy dallas daniel database default diamond doctor dolphin dragon eagle
elizabeth emily enter facebook falcon family ferrari flower football forever formula freedom friend friends
games gemini george ginger google guest guitar hallo hannah happy harley heather hello hockey hottie hunter
iceman iloveyou india instagram internet jackson jasmine jennifer jessica jesus johnny jonathan jordan joseph
joshua junior justin killer kitty knight ladybug lakers letmein linkedin liverpool login london love lovely
loveyou maggie manager manchester marina marlboro martin master matrix matthew maverick melissa mercedes
metallica michael michelle mickey microsoft monday money monkey monster morgan mother mustang naruto natasha
nicholas nicole ninja nothing oliver online orange passport password passwort patrick peanut pepper phoenix
player pokemon porsche power princess purple qazwsx qazwsxedc queen qwer qwert qwerty qwertyu qwertyui
qwertyuiop qwertz rabbit rachel rainbow ranger rangers robert rocket root samantha samsung samuel scooter
secret secure server shadow shannon silver simple slipknot smokey snoopy soccer sophie spider spiderman spring
starwars steven summer sunday sunflower sunshine superman superstar sweet taylor teacher temp temporary test
tester testing thomas thunder thunderbird tiger tigger tinkerbell trustno twitter user vanessa victoria
wachtwoord welcome whatever william willkommen winner winter wizard yankees yellow zaq zxcvbn zxcvbnm
"""
_LEET = str.maketrans("@4083!1$57", "aaobeiisst")
_AROUND = string.digits + string.punctuation + string.whitespace


def _stem(word: str) -> str:
    """What is left of a password without the padding around it and with look-alikes turned back into letters."""
    folded = unicodedata.normalize("NFKC", word).casefold().strip(_AROUND)
    plain = folded.translate(_LEET)
    half = len(plain) // 2
    return plain[:half] if plain[:half] == plain[half:] else plain  # the same twice is the same


_COMMON = frozenset(_FIRST_GUESSES.split())
_STEMS = frozenset(_stem(word) for word in (*_COMMON, *_COMMON_WORDS.split())) - {""}


def _plain(password: str) -> str:
    """One form for characters that keyboards produce in several."""
    return unicodedata.normalize("NFC", password)


def require_strong(password: str, *, email: str, name: str) -> None:
    """Refuse a password that others would guess.

    Raises:
        InvalidInput: The message says what to change; `context["field"]` is `password`.
    """
    folded = password.casefold()
    own = {
        text.casefold() for text in (email, email.partition("@")[0], name, name.replace(" ", ""))
    }
    if len(password) < MIN_LENGTH:
        reason = (
            f"The password is too short. Use at least {MIN_LENGTH} characters, such as a few words."
        )
    elif len(password) > MAX_LENGTH:
        reason = f"The password is too long. Use at most {MAX_LENGTH} characters."
    elif folded in own or _stem(password) in {_stem(text) for text in own} - {""}:
        reason = (
            "The password must not be your name or e-mail address, nor that with digits around it."
        )
    elif folded in _COMMON or _stem(password) in _STEMS or len(set(folded)) < _FEWEST_CHARACTERS:
        reason = "The password is one of the first that others would try. Choose a less common one."
    else:
        return
    raise InvalidInput(reason, field="password")


async def hash_password(password: str) -> str:
    """Return the argon2id hash of a password, computed off the event loop."""
    hashed: str = await asyncio.to_thread(_context.hash, _plain(password))
    return hashed


async def verify(password: str, hashed: str | None) -> tuple[bool, str | None]:
    """Say whether the password fits, and give a new hash when the stored one is of an old kind.

    Without a hash (no such account) the answer is no, after the same amount of work.
    """
    if len(password) > MAX_LENGTH:
        return False, None
    if hashed is None:
        await asyncio.to_thread(_context.dummy_verify)
        return False, None
    fits, renewed = await asyncio.to_thread(_context.verify_and_update, _plain(password), hashed)
    return bool(fits), renewed
