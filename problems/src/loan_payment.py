"""The monthly payment of a loan."""

import random
from typing import Any

LEAN = (
    "Return the constant monthly payment that repays `principal` in `months` payments at a yearly "
    "rate in percent (a twelfth of it each month); the first payment is due after one month."
)
ATOL = 1e-6


def loan_payment(principal: float, yearly_percent: float, months: int) -> float:
    """Return the constant monthly payment that repays a loan.

    The first payment is due one month after the loan starts and the last one clears it. Interest
    is added monthly, at a twelfth of the yearly rate, which is given in percent. A rate of 0 means
    no interest: the principal is divided evenly.

    The payment is ``principal * r / (1 - (1 + r) ** -months)``, with the monthly rate ``r``.

    >>> round(loan_payment(1000.0, 12.0, 1), 6)
    1010.0
    >>> round(loan_payment(200000.0, 6.0, 360), 2)
    1199.1
    >>> loan_payment(1200.0, 0.0, 12)
    100.0
    """
    rate = yearly_percent / 100 / 12
    if rate == 0:
        return principal / months
    return principal * rate / (1 - (1 + rate) ** -months)


def contract(principal: float, yearly_percent: float, months: int) -> None:
    assert isinstance(principal, (int, float))
    assert principal >= 0
    assert yearly_percent == 0 or 0.5 <= yearly_percent <= 60
    assert isinstance(months, int)
    assert 1 <= months <= 600


BASE: list[list[Any]] = [
    [1000.0, 12.0, 1],
    [200000.0, 6.0, 360],
    [1200.0, 0.0, 12],
    [5000.0, 7.5, 24],
]
EDGES: list[list[Any]] = [
    [0.0, 5.0, 12],
    [0.0, 0.0, 1],
    [100.0, 0.0, 3],
    [100.0, 60.0, 600],
    [1000.0, 0.5, 600],
    [1.0, 1.0, 1],
]


def generate(rng: random.Random, size: int) -> list[Any]:
    rate = round(rng.uniform(0.5, 30), 2) if rng.random() < 0.85 else 0.0
    return [round(rng.uniform(100, 9000), 2), rate, rng.randint(1, 12 + size)]


def brute(principal: float, yearly_percent: float, months: int) -> float:
    """Solve the balance after the last payment, linear in the payment, for zero."""

    def left(payment: float) -> float:
        balance = principal
        for _ in range(months):
            balance += balance * yearly_percent / 1200 - payment
        return balance

    return left(0.0) / (left(0.0) - left(1.0))


MUTANTS = [
    ("if rate == 0", "if False"),
    ("-months", "-(months - 1)"),
    ("/ 100 / 12", "/ 12"),
    ("principal / months", "0.0"),
]
