"""A scene put together by hand, for the tests of single writers: (x + y)·x with x = 3, y = 2."""

from dataclasses import replace

from chainrule.draw.scene import Box, Curve, Group, Moment, Point, Scene, Text


def text(role, plain, latex, x, y, moment=None, full="", size=14):
    return Text(role, plain, latex, x, y, 8.0 * len(plain), size + 4, size, full, moment)


def sample(**changes):
    """Inputs x and y, a parameter w, a constant 2, the sum a, the product f; both directions."""
    forward, backward = (
        (lambda step: Moment("forward", step)),
        (lambda step: Moment("backward", step)),
    )
    boxes = (
        Box(
            "n0",
            "input",
            "circle",
            60,
            60,
            56,
            56,
            (
                text("symbol", "x", "x", 60, 46),
                text("value", "3", "3", 60, 62, forward(1)),
                text("adjoint", "8", "8", 60, 78, backward(3)),
            ),
            "input x = 3",
            moment=forward(1),
        ),
        Box(
            "n1",
            "parameter",
            "circle",
            60,
            160,
            56,
            56,
            (
                text("symbol", "w_1", "w_{1}", 60, 146),
                text("value", "2", "2", 60, 162, forward(2)),
                text("adjoint", "3", "3", 60, 178, backward(4)),
            ),
            "parameter w_1 = 2",
            moment=forward(2),
        ),
        Box(
            "n2",
            "computation",
            "square",
            200,
            160,
            64,
            70,
            (
                text("name", "a", "a", 200, 136),
                text("symbol", "+", "+", 200, 150),
                text("value", "5", "5", 200, 166, forward(3)),
                text("adjoint", "3", "3", 200, 182, backward(2)),
            ),
            "a = x + w_1 = 5",
            moment=forward(3),
        ),
        Box(
            "n3",
            "computation",
            "square",
            340,
            60,
            64,
            70,
            (
                text("name", "f", "f", 340, 36),
                text("symbol", "×", r"\times", 340, 50),
                text("value", "15", "15", 340, 66, forward(4)),
                text("adjoint", "1", "1", 340, 82, backward(1)),
            ),
            "f = a·x = 15",
            is_output=True,
            moment=forward(4),
        ),
        Box(
            "n4",
            "constant",
            "circle",
            340,
            180,
            30,
            30,
            (text("symbol", "0.5", "0.5", 340, 180),),
            "the constant 0.5",
        ),
    )
    curves = (
        Curve(
            "e0",
            "n0",
            "n2",
            "forward",
            (Point(82, 77), Point(168, 140)),
            (text("local", "1", "1", 125, 108),),
            "∂a/∂x = 1",
            0,
            moment=forward(3),
        ),
        Curve(
            "e1",
            "n1",
            "n2",
            "forward",
            (Point(88, 160), Point(168, 160)),
            (text("local", "1", "1", 128, 160),),
            "∂a/∂w_1 = 1",
            1,
            moment=forward(3),
        ),
        Curve(
            "e2",
            "n2",
            "n3",
            "forward",
            (Point(232, 150), Point(308, 80)),
            (text("local", "3", "3", 270, 115),),
            "∂f/∂a = 3",
            0,
            strong=True,
            moment=forward(4),
        ),
        Curve(
            "e3",
            "n0",
            "n3",
            "forward",
            (Point(88, 55), Point(200, 40), Point(308, 50)),
            (text("local", "5", "5", 200, 40),),
            "∂f/∂x = 5",
            1,
            moment=forward(4),
        ),
        Curve(
            "r2",
            "n3",
            "n2",
            "backward",
            (Point(312, 90), Point(236, 160)),
            (text("contribution", "3", "3", 280, 135),),
            "a receives 1·3",
            0,
            moment=backward(2),
        ),
        Curve(
            "r3",
            "n3",
            "n0",
            "backward",
            (Point(308, 58), Point(200, 48), Point(88, 63)),
            (),
            "x receives 1·5",
            1,
            moment=backward(3),
        ),
    )
    scene = Scene(
        width=400,
        height=260,
        title="f = (x + w_1)·x",
        description="Two inputs, two computations.",
        direction="right",
        boxes=boxes,
        curves=curves,
        groups=(Group("g0", ("n2",), text("caption", "a", "a", 160, 116), 155, 110, 90, 95),),
        captions=(text("caption", "green: value", r"\text{green: value}", 200, 245),),
        legend=("value", "adjoint", "local"),
        steps=(4, 4),
    )
    return replace(scene, **changes)
