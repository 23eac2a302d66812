use super::*;

fn lines(tex: &str, glyphs: Glyphs, width: usize) -> String {
    let lines = display(tex, glyphs, width).unwrap();
    assert!(lines.iter().all(|line| !line.ends_with(' ')), "{lines:?}");
    format!("\n{}", lines.join("\n"))
}

#[test]
fn formulas_in_a_line() {
    let cases = [
        (r"\sigma(x)", "σ(x)", "sigma(x)"),
        ("x_i^2", "xᵢ²", "x_i^2"),
        ("1+e^{-z}", "1 + e⁻ᶻ", "1 + e^(-z)"),
        (r"\max(0,x)", "max(0, x)", "max(0, x)"),
        (r"\ln e^x", "ln eˣ", "ln e^x"),
        ("W^T a-b", "Wᵀa − b", "W^T a - b"),
        ("x = -1", "x = −1", "x = -1"),
        (r"v \leftarrow 0.9 v", "v ← 0.9v", "v <- 0.9v"),
        (r"\pm\sqrt{6/(n_{in}+n_{out})}", "±√(6/(nᵢₙ + nₒᵤₜ))", "+-sqrt(6/(n_in + n_out))"),
        (r"1/\sqrt{n}", "1/√n", "1/sqrt n"),
        (r"\sum_{i=1}^n x_i", "∑ᵢ₌₁ⁿ xᵢ", "sum_(i=1)^n x_i"),
        (r"\frac{1}{2}", "1/2", "1/2"),
        (r"\frac{a + b}{2\pi}", "(a + b)/(2π)", "(a + b)/(2 pi)"),
        (r"\frac{d\sigma}{dz}", "dσ/dz", "d sigma/dz"),
        (r"e^{-x/\tau}", "e^(−x/τ)", "e^(-x/tau)"),
        ("x^q_W", "x_W^q", "x_W^q"),
        (r"x \in (0, 1]", "x ∈ (0, 1]", "x in (0, 1]"),
        (r"|x - y|^2", "|x − y|²", "|x - y|^2"),
        (r"\hat{y} = 1.37\,\%", "y\u{302} = 1.37 %", "y_hat = 1.37 %"),
        (r"\mathrm{ReLU}(x), x \text{ if } x > 0", "ReLU(x), x if x > 0", "ReLU(x), x if x > 0"),
        (r"28 \times 28", "28 × 28", "28 x 28"),
    ];
    for (tex, rich, plain) in cases {
        let set = inline(tex).unwrap();
        assert_eq!(set.replace('\u{a0}', " "), rich, "{tex}");
        assert_eq!(Glyphs::Ascii.text(&set), plain, "{tex}");
    }
}

#[test]
fn a_short_formula_is_kept_together_and_a_long_one_breaks_outside_its_parentheses() {
    assert_eq!(inline("a = b").unwrap(), "a\u{a0}=\u{a0}b");
    let long = inline(r"y = \max(0, U x - b) + \max(0, W x - c)").unwrap();
    assert_eq!(long, "y = max(0,\u{a0}Ux\u{a0}−\u{a0}b) + max(0,\u{a0}Wx\u{a0}−\u{a0}c)");
}

#[test]
fn fractions_have_a_bar_as_long_as_what_it_parts() {
    let sigmoid = r"\sigma(z) = \frac{1}{1 + e^{-z}}";
    let rich = "
          1
σ(z) = ───────
       1 + e⁻ᶻ";
    assert_eq!(lines(sigmoid, Glyphs::Unicode, 72), rich);
    let plain = "
               1
sigma(z) = ----------
           1 + e^(-z)";
    assert_eq!(lines(sigmoid, Glyphs::Ascii, 72), plain);
    let derivative = "
d
── tanh(z) = 1 − tanh²(z)
dz";
    assert_eq!(lines(r"\frac{d}{dz} \tanh(z) = 1 - \tanh^2(z)", Glyphs::Unicode, 72), derivative);
    let nested = "
 a
 ─
 b
───
 c";
    assert_eq!(lines(r"\frac{\frac{a}{b}}{c}", Glyphs::Unicode, 72), nested);
}

#[test]
fn parentheses_grow_and_limits_stand_above_and_below() {
    let rate = "
              1
f = ──────────────────────
         ⎛      d   ⎞
     τ ln⎜1 + ──────⎟ + t
         ⎝    I − I₀⎠";
    assert_eq!(lines(r"f = \frac{1}{\tau \ln(1 + \frac{d}{I - I_0}) + t}", Glyphs::Unicode, 72), rate);
    let price = "
    1
min ─ |x − Da|² + λ ∑ |aᵢ|
 a  2               i";
    let tex = r"\min_{a} \frac{1}{2} |x - D a|^2 + \lambda \sum_i |a_i|";
    assert_eq!(lines(tex, Glyphs::Unicode, 72), price);
    let mean = "
    1  n
x\u{304} = ─  ∑  xᵢ
    n i=1";
    assert_eq!(lines(r"\bar{x} = \frac{1}{n} \sum_{i=1}^{n} x_i", Glyphs::Unicode, 72), mean);
}

#[test]
fn roots_scripts_cases_and_matrices() {
    let root = "
 ┌──
 │ a
 │ ─
√│ b";
    assert_eq!(lines(r"\sqrt{\frac{a}{b}}", Glyphs::Unicode, 72), root);
    let plain = "
    +--
    | a
    | -
sqrt| b";
    assert_eq!(lines(r"\sqrt{\frac{a}{b}}", Glyphs::Ascii, 72), plain);
    let bell = "
 −x²/(2σ²)
e";
    assert_eq!(lines(r"e^{-\frac{x^2}{2\sigma^2}}", Glyphs::Unicode, 72), bell);
    let cases = "
       ⎧ x  x > 0
f(x) = ⎨
       ⎩ 0  otherwise";
    let tex = r"f(x) = \begin{cases} x & x > 0 \\ 0 & \text{otherwise} \end{cases}";
    assert_eq!(lines(tex, Glyphs::Unicode, 72), cases);
    let matrix = "
⎛a  b⎞⎛x⎞²
⎝c  d⎠⎝y⎠";
    let tex = r"\begin{pmatrix} a & b \\ c & d \end{pmatrix} \begin{pmatrix} x \\ y \end{pmatrix}^2";
    assert_eq!(lines(tex, Glyphs::Unicode, 72), matrix);
    let aligned = "
h = φ(Wx + b)
y = Vh";
    assert_eq!(lines(r"h &= \varphi(Wx + b) \\ y &= Vh", Glyphs::Unicode, 72), aligned);
}

#[test]
fn a_wide_formula_continues_on_the_next_line() {
    let tex = r"h = \varphi(W x' + b), y = s(V h + c)";
    let apart = "
h = φ(Wx′ + b),
    y = s(Vh + c)";
    assert_eq!(lines(tex, Glyphs::Unicode, 20), apart);
    let tex = r"f(x) = W_2 (W_1 x + b_1) + W_3 x + b_2";
    let apart = "
f(x)
    = W₂(W₁x + b₁)
    + W₃x + b₂";
    assert_eq!(lines(tex, Glyphs::Unicode, 18), apart);
}

#[test]
fn nonsense_is_refused_with_its_source_and_the_reason() {
    for (tex, why) in [
        (r"\frac{1", "a `{` is not closed"),
        (r"\nosuch{x}", r"the notebook knows no `\nosuch`"),
        ("x^", "raised or lowered part is missing"),
        ("x^2^3", "twice"),
        ("a}", "a `}` closes nothing"),
        (r"\left( x", r"a `\left` has no `\right`"),
        (r"\begin{cases} x", r"has no `\end{cases}`"),
        (r"\begin{array}", r"knows no `\begin{array}`"),
        (r"\text x", "needs its words in braces"),
    ] {
        let said = display(tex, Glyphs::Unicode, 72).unwrap_err();
        assert!(said.contains(tex) && said.contains(why), "{said}");
    }
    assert!(inline(r"\begin{pmatrix} a \\ b \end{pmatrix}").unwrap_err().contains("several lines"));
    let deep = "{".repeat(10_000) + &"}".repeat(10_000);
    assert!(inline(&deep).unwrap_err().contains("too deeply"));
}

proptest::proptest! {
    #[test]
    fn nothing_panics(tex in r"([a-z0-9(){}\[\]|^_&'+=,. -]|\\(frac|sqrt|left|right|begin|end|hat|sum|text|\\|\{)){0,40}") {
        let _ = (inline(&tex), display(&tex, Glyphs::Ascii, 10));
    }
}
