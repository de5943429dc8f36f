"""The texts of the C functions: ``evaluate(inputs, outputs, n)`` over arrays of pointers."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.engine.works import BOTH, FORMULAS, POINTS
from benchmarks.graphs import INPUTS, Step

LOOP = """
#include <time.h>
double loop(double **in, double **out, long n, long count) {
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (long k = 0; k < count; k++) evaluate(in, out, n);
    clock_gettime(CLOCK_MONOTONIC, &end);
    return (end.tv_sec - begin.tv_sec) + 1e-9 * (end.tv_nsec - begin.tv_nsec);
}
"""

_HEAD = """#include <math.h>
__attribute__((noinline)) void evaluate(double **in, double **out, long n) {
"""

_POINTS = ", ".join(f"{{{p}, {q}, {y}}}" for p, q, y in POINTS)

_BOTH = {
    "product of sums": "double s = x + y, t = x + 1; v = s * t; d_x = s + t; d_y = t;",
    "gauss": "double q = x * x, e = exp(-q); v = q * e; d_x = 2 * x * e * (1 - q);",
    "normal pdf": """double r = 1 / sigma, z = (x - mu) * r;
    v = exp(-0.5 * z * z) * r * 0.39894228040143267794;
    d_mu = v * z * r; d_x = -d_mu; d_sigma = v * r * (z * z - 1);""",
    "logistic loss": f"""static const double at[4][3] = {{{_POINTS}}};
    v = d_w0 = d_w1 = d_b = 0;
    for (int i = 0; i < 4; i++) {{
        double p = at[i][0], q = at[i][1], y = at[i][2];
        double e = exp(-y * (w0 * p + w1 * q + b)), slope = -y * e / (1 + e);
        v += log(1 + e); d_w0 += slope * p; d_w1 += slope * q; d_b += slope;
    }}""",
}
_VALUE = {
    "product of sums": "v = (x + y) * (x + 1);",
    "gauss": "double q = x * x; v = q * exp(-q);",
    "normal pdf": """double r = 1 / sigma, z = (x - mu) * r;
    v = exp(-0.5 * z * z) * r * 0.39894228040143267794;""",
    "logistic loss": f"""static const double at[4][3] = {{{_POINTS}}};
    v = 0;
    for (int i = 0; i < 4; i++)
        v += log(1 + exp(-at[i][2] * (w0 * at[i][0] + w1 * at[i][1] + b)));""",
}


def _body(name: str, what: str) -> str:
    """Declares ``v`` and the derivatives, and sets them."""
    names = FORMULAS[name].names
    declared = ["v", *(f"d_{x}" for x in names)] if what == BOTH else ["v"]
    return f"double {', '.join(declared)};\n    {(_BOTH if what == BOTH else _VALUE)[name]}"


def _outputs(name: str, what: str) -> list[str]:
    return ["v", *(f"d_{x}" for x in FORMULAS[name].names)] if what == BOTH else ["v"]


def number(name: str, what: str) -> str:
    """A formula at one point."""
    lines = [f"    double {x} = in[{i}][0];" for i, x in enumerate(FORMULAS[name].names)]
    lines.append(f"    {_body(name, what)}")
    lines += [f"    out[{i}][0] = {x};" for i, x in enumerate(_outputs(name, what))]
    return _HEAD + "\n".join(lines) + "\n}\n"


def points(name: str, what: str, threads: int) -> str:
    """A formula at many points, or the logistic loss summed over many."""
    parallel = f"parallel for simd num_threads({threads})" if threads > 1 else "simd"
    if name == "logistic loss":
        return _logistic(what, parallel)
    names = FORMULAS[name].names
    wanted = _outputs(name, what)
    lines = [f"    const double *restrict in_{x} = in[{i}];" for i, x in enumerate(names)]
    lines += [f"    double *restrict out_{x} = out[{i}];" for i, x in enumerate(wanted)]
    lines += [f"    #pragma omp {parallel}", "    for (long i = 0; i < n; i++) {"]
    lines += [f"    double {x} = in_{x}[i];" for x in names]
    lines += [f"    {_body(name, what)}"]
    lines += [f"    out_{x}[i] = {x};" for x in wanted]
    return _HEAD + "\n".join(lines) + "\n    }\n}\n"


def _logistic(what: str, parallel: str) -> str:
    sums = ["v", "s0", "s1", "s2"] if what == BOTH else ["v"]
    more = (
        "double slope = -y[i] * e / (1 + e); s0 += slope * p[i]; s1 += slope * q[i]; s2 += slope;"
    )
    return f"""{_HEAD}
    double w0 = in[0][0], w1 = in[1][0], b = in[2][0];
    const double *restrict p = in[3], *restrict q = in[4], *restrict y = in[5];
    double {", ".join(f"{x} = 0" for x in sums)};
    #pragma omp {parallel} reduction(+:{", ".join(sums)})
    for (long i = 0; i < n; i++) {{
        double e = exp(-y[i] * (w0 * p[i] + w1 * q[i] + b));
        v += log(1 + e);
        {more if what == BOTH else ""}
    }}
    {" ".join(f"out[{i}][0] = {x};" for i, x in enumerate(sums))}
}}
"""


def rosenbrock(what: str) -> str:
    """Each derivative gathered from its neighbours."""
    gradient = """
    g[0] = -400 * x[0] * (x[1] - x[0] * x[0]) - 2 * (1 - x[0]);
    double v = 100 * (x[1] - x[0] * x[0]) * (x[1] - x[0] * x[0]) + (1 - x[0]) * (1 - x[0]);
    #pragma omp simd reduction(+:v)
    for (long i = 1; i < n - 1; i++) {
        double a = x[i + 1] - x[i] * x[i], b = x[i] - x[i - 1] * x[i - 1], c = 1 - x[i];
        g[i] = 200 * b - 400 * x[i] * a - 2 * c;
        v += 100 * a * a + c * c;
    }
    g[n - 1] = 200 * (x[n - 1] - x[n - 2] * x[n - 2]);"""
    value = """
    double v = 0;
    #pragma omp simd reduction(+:v)
    for (long i = 0; i < n - 1; i++) {
        double a = x[i + 1] - x[i] * x[i], c = 1 - x[i];
        v += 100 * a * a + c * c;
    }"""
    start = "double *restrict g = out[1];" if what == BOTH else ""
    return f"""{_HEAD}
    const double *restrict x = in[0]; {start}{gradient if what == BOTH else value}
    out[0][0] = v;
}}
"""


# --- the random graph -----------------------------------------------------------------------------

_FORMS = (
    "0.5 * (v{a} + v{b})",
    "v{a} - 0.5 * v{b}",
    "0.7 * v{a} * v{b}",
    "v{a} * r{k}",
    "sin(v{a})",
    "exp(-v{a} * v{a})",
    "log1p(v{a} * v{a})",
    "tanh(v{a})",
)
_BEFORE = {3: "double r{k} = 1 / (1 + v{b} * v{b});"}
_PULLS = (
    ("a{a} += 0.5 * a{k};", "a{b} += 0.5 * a{k};"),
    ("a{a} += a{k};", "a{b} -= 0.5 * a{k};"),
    ("a{a} += 0.7 * a{k} * v{b};", "a{b} += 0.7 * a{k} * v{a};"),
    ("a{a} += a{k} * r{k};", "a{b} -= 2 * a{k} * v{b} * v{k} * r{k};"),
    ("a{a} += a{k} * cos(v{a});",),
    ("a{a} -= 2 * a{k} * v{a} * v{k};",),
    ("a{a} += 2 * a{k} * v{a} / (1 + v{a} * v{a});",),
    ("a{a} += a{k} * (1 - v{k} * v{k});",),
)


def graph(made: Sequence[Step], what: str) -> str:
    """Straight lines: the steps that the output reaches, then the adjoints of these."""
    last = INPUTS + len(made)
    reached = set(range(last - INPUTS, last))
    for place in range(last - 1, INPUTS - 1, -1):
        if place in reached:
            form, a, b = made[place - INPUTS]
            reached.add(a)
            if form < 4:
                reached.add(b)
    kept = [place for place in range(INPUTS, last) if place in reached]
    lines = [f"double v{i} = in[0][{i}];" for i in range(INPUTS)]
    for k in kept:
        form, a, b = made[k - INPUTS]
        lines.append(_BEFORE.get(form, "").format(k=k, a=a, b=b))
        lines.append(f"double v{k} = {_FORMS[form].format(k=k, a=a, b=b)};")
    total = " + ".join(f"v{k}" for k in range(last - INPUTS, last))
    lines.append(f"out[0][0] = ({total}) / {INPUTS};")
    if what == BOTH:
        ends = range(last - INPUTS, last)
        places = [*range(INPUTS), *kept]
        lines += [f"double a{k} = {1 / INPUTS if k in ends else 0};" for k in places]
        for k in reversed(kept):
            form, a, b = made[k - INPUTS]
            lines += [pull.format(k=k, a=a, b=b) for pull in _PULLS[form]]
        lines += [f"out[1][{i}] = a{i};" for i in range(INPUTS)]
    return _HEAD + "\n".join(lines) + "\n}\n"


# --- called by Python -----------------------------------------------------------------------------


def extension(module: str, name: str, what: str) -> str:
    """A module with one function of floats."""
    names = FORMULAS[name].names
    read = "\n".join(f"    double {x} = PyFloat_AS_DOUBLE(in[{i}]);" for i, x in enumerate(names))
    check = " || ".join(f"!PyFloat_CheckExact(in[{i}])" for i in range(len(names)))
    if what == BOTH:
        parts = "\n".join(
            f"    PyTuple_SET_ITEM(parts, {i}, PyFloat_FromDouble(d_{x}));"
            for i, x in enumerate(names)
        )
        give = f"""PyObject *parts = PyTuple_New({len(names)}), *pair = PyTuple_New(2);
{parts}
    PyTuple_SET_ITEM(pair, 0, PyFloat_FromDouble(v));
    PyTuple_SET_ITEM(pair, 1, parts);
    return pair;"""
    else:
        give = "return PyFloat_FromDouble(v);"
    return f"""#include <Python.h>
#include <math.h>
static PyObject *evaluate(PyObject *self, PyObject *const *in, Py_ssize_t count) {{
    if (count != {len(names)} || {check}) {{
        PyErr_SetString(PyExc_TypeError, "floats, please");
        return NULL;
    }}
{read}
    {_body(name, what)}
    {give}
}}
static PyMethodDef methods[] = {{
    {{"evaluate", (PyCFunction)(void (*)(void))evaluate, METH_FASTCALL, ""}}, {{NULL}}}};
static struct PyModuleDef module = {{PyModuleDef_HEAD_INIT, "{module}", "", -1, methods}};
PyMODINIT_FUNC PyInit_{module}(void) {{ return PyModule_Create(&module); }}
"""
