"""Comparisons that Django lacks, in the form that our indexes serve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, Exists, ExpressionWrapper, F, Func, JSONField, Lookup, Q, TextField, Value
from django.db.models.sql.compiler import SQLCompiler

if TYPE_CHECKING:
    _Lookup = Lookup[Any]
else:
    _Lookup = Lookup  # not generic at run time

_CompiledSql = tuple[str, tuple[Any, ...]]


class _TemplateLookup(_Lookup):
    """A lookup that is one piece of SQL around both sides."""

    template: ClassVar[str]
    prepare_rhs = False

    def get_db_prep_lookup(self, value: Any, connection: BaseDatabaseWrapper) -> _CompiledSql:  # noqa: ARG002
        return "%s", (value,)

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> _CompiledSql:
        left, left_values = self.process_lhs(compiler, connection)
        right, right_values = self.process_rhs(compiler, connection)
        return self.template.format(left=left, right=right), (*left_values, *right_values)


@TextField.register_lookup
class LikeLookup(_TemplateLookup):
    """A pattern; a btree in C order serves its fixed beginning."""

    lookup_name = "like"
    template = "{left} LIKE {right}"


@TextField.register_lookup
class ILikeLookup(_TemplateLookup):
    """A pattern in any case; trigrams serve it (they can't serve Django's `icontains`, which compares UPPER)."""

    lookup_name = "ilike"
    template = "{left} ILIKE {right}"


@ArrayField.register_lookup
class AnyElementLike(_TemplateLookup):
    """An array, one element of which is of the pattern; no index serves it."""

    lookup_name = "any_like"
    template = "EXISTS (SELECT 1 FROM unnest({left}) AS element(text) WHERE element.text LIKE {right})"


@JSONField.register_lookup
class HasJsonValue(_TemplateLookup):
    """An object with that text as the value of any key, asked as a JSON path; GIN (jsonb_ops) serves it."""

    lookup_name = "has_value"
    template = "{left} @@ {right}::jsonpath"


class JsonExtractText(Func):
    """The value of a key as text. Unlike Django's transform it takes the key `0` for a key."""

    function = "jsonb_extract_path_text"
    output_field = TextField()


class CallsFunctionLike(Func):
    """A step of whose calls one is of type function and has a name of the pattern. Names and kinds are parallel."""

    output_field = BooleanField()
    conditional = True

    def __init__(self, pattern: str) -> None:
        super().__init__(F("tool_names"), F("tool_types"), Value(pattern))

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> _CompiledSql:  # type: ignore[override]  # noqa: ARG002
        names, kinds, pattern = (compiler.compile(each) for each in self.get_source_expressions())
        statement = (
            f"EXISTS (SELECT 1 FROM unnest({names[0]}, {kinds[0]}) AS call(name, kind)"  # noqa: S608
            f" WHERE call.kind = 'function' AND call.name LIKE {pattern[0]})"
        )
        return statement, (*names[1], *kinds[1], *pattern[1])


class PerRowExists(Exists):
    """`EXISTS`, asked of one row after the other: with OFFSET the planner neither joins nor gathers beforehand."""

    template = "EXISTS(%(subquery)s OFFSET 0)"


def probe_per_row(condition: Q) -> Q:
    """`condition` with every `EXISTS` in it asked so."""
    found = condition.copy()
    found.children = [_probe_child(child) for child in condition.children]
    return found


def _probe_child(child: Any) -> Any:
    match child:
        case Q():
            return probe_per_row(child)
        case IsNotTrue():
            return IsNotTrue(probe_per_row(child.condition))
        case Exists():
            return PerRowExists(child.query)
    return child


class SelectiveHint(Func):
    """Always true of a column that is never null; but the planner believes that it holds for one row in 200."""

    template = "num_nulls(%(expressions)s) = 0"
    output_field = BooleanField()
    conditional = True


class IsNotTrue(Func):
    """False or unknown: what NOT misses of a column that may be null."""

    template = "(%(expressions)s) IS NOT TRUE"
    output_field = BooleanField()
    conditional = True

    def __init__(self, condition: Q) -> None:
        self.condition = condition
        super().__init__(ExpressionWrapper(condition, output_field=BooleanField()))
