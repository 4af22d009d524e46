"""Formulas as the build sets them, on pages of a few lines."""

import pytest
from bs4 import BeautifulSoup
from fontTools.ttLib import TTFont
from sphinx.errors import ExtensionError

from book import formulas

SETTINGS = {"packages": {"[-]": ["bussproofs", "noerrors", "noundefined"]}}


@pytest.fixture
def made(tmp_path):
    """A page of a site whose formulas are set: its text by its body."""
    (tmp_path / "_static" / "fonts").mkdir(parents=True)
    page = tmp_path / "chapters" / "page.html"
    page.parent.mkdir()

    def make(*places: str, **settings: dict) -> str:
        page.write_text("".join(places), encoding="utf-8")
        formulas.set_formulas(tmp_path, SETTINGS | settings)
        return page.read_text(encoding="utf-8")

    make.site, make.page = tmp_path, page
    return make


def inline(tex: str) -> str:
    return f'<span class="math notranslate nohighlight">\\({tex}\\)</span>'


def block(tex: str, before: str = "", more: str = "") -> str:
    return (
        f'<div class="math notranslate nohighlight{more}" id="equation-one">\n'
        f"{before}{tex}</div>"
    )


def font(made) -> set[str]:
    file = TTFont(made.site / "_static" / "fonts" / "formulas.woff")
    assert "MATH" in file
    return {chr(code) for code in file.getBestCmap()}


def test_a_formula_in_a_line_becomes_mathml_and_the_text_stays(made):
    text = made("<p>A < &lt; \\(y\\) ", inline("x &lt; 2"), "</p>")
    assert text == (
        '<p>A < &lt; \\(y\\) <span class="math notranslate nohighlight"><math>'
        '<mi>x</mi><mo lspace="0.278em" rspace="0.278em">&lt;</mo><mn>2</mn>'
        "</math></span></p>"
    )


def test_a_formula_on_its_own_keeps_its_number_and_its_address(made):
    number = '<span class="eqno">(1)<a href="#equation-one">#</a></span>'
    text = made(block("\\[x\n= 2\\]", number))
    assert f'id="equation-one">\n{number}<math display="block"><mi>' in text
    assert text.endswith("</mn></math></div>")
    assert "\\" not in text


def test_an_environment_needs_no_brackets(made):
    tex = "\\begin{align}a &amp;= b \\\\[2pt] c &amp;= d\\end{align}"
    text = made(block(tex, more=" amsmath"))
    assert text.count("<mtr>") == 2
    assert 'columnalign="right left' in text
    assert "\\" not in text


def test_macros_of_the_settings_are_known(made):
    assert "<mi>KL</mi>" in made(inline("\\KL"), macros={"KL": "\\mathrm{KL}"})


def test_formulas_that_are_set_stay(made):
    text = made(inline("x"), block("\\[x + y\\]"))
    letters = font(made)
    assert made(text) == text
    assert font(made) == letters


@pytest.mark.parametrize(
    ("tex", "told"),
    [
        ("\\nope", "Undefined control sequence \\nope"),
        ("\\frac{1", "Missing close brace"),
        ("\\mathbb{+-}\\mathfrak{β}", "no browser sets"),
    ],
)
def test_a_wrong_formula_stops_the_build_and_is_named(made, tex, told):
    with pytest.raises(ExtensionError) as stop:
        made(inline("x"), inline(tex))
    assert f"chapters/page.html: {tex}: " in str(stop.value)
    assert told in str(stop.value)
    assert str(stop.value).count("chapters/") == 1
    assert inline("x") in made.page.read_text(encoding="utf-8")


def test_letters_of_a_style_are_characters_of_their_own(made):
    letters = {
        "\N{MATHEMATICAL DOUBLE-STRUCK CAPITAL E}",
        "\N{DOUBLE-STRUCK CAPITAL R}",
        "\N{SCRIPT CAPITAL L}",
        "\N{MATHEMATICAL BOLD ITALIC SMALL MU}",
        "\N{MATHEMATICAL BOLD DIGIT ONE}",
    }
    text = made(
        inline("\\mathbb{ER} \\mathcal{L} \\boldsymbol{\\mu}\\mathbf{1}")
    )
    assert letters <= set(text)
    assert "mathvariant" not in text


def test_gaps_are_those_of_tex(made):
    page = BeautifulSoup(made(inline("-a \\sin x, q(z|x)\\,y")), "html.parser")
    gaps = {
        sign.text: (sign["lspace"], sign["rspace"])
        for sign in page.find_all("mo")
    }
    assert gaps["\N{MINUS SIGN}"] == ("0", "0")
    assert gaps["|"] == ("0", "0")
    assert gaps[","] == ("0", "0.167em")
    assert gaps["\N{FUNCTION APPLICATION}"] == ("0", "0.167em")
    before = [gap.find_next().text for gap in page.find_all("mspace")]
    assert before == ["sin", "y"]


def test_a_hat_and_a_brace_belong_to_what_they_stand_at(made):
    text = made(inline("\\hat{x} + \\underbrace{y}_{\\text{why}}"))
    assert '<mover accent="true">' in text
    assert ">\N{MODIFIER LETTER CIRCUMFLEX ACCENT}</mo>" in text
    assert text.count('<munder accentunder="true">') == 1


def test_the_font_holds_what_formulas_use_and_no_more(made):
    made("Words", inline("x h \\text{Q}"))
    slanted = {"\N{MATHEMATICAL ITALIC SMALL X}", "\N{PLANCK CONSTANT}"}
    assert font(made) == {"x", "h"} | slanted
    size = (made.site / "_static" / "fonts" / "formulas.woff").stat().st_size
    assert size < 8_000
