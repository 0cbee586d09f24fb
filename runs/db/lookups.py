"""SQL lookups and expressions that Django lacks, in the form that our indexes support."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, Exists, ExpressionWrapper, F, Func, JSONField, Lookup, Q, TextField, Value
from django.db.models.functions import Collate
from django.db.models.sql.compiler import SQLCompiler

if TYPE_CHECKING:
    _Lookup = Lookup[Any]
else:
    _Lookup = Lookup  # not generic at run time

_CompiledSql = tuple[str, tuple[Any, ...]]


class _TemplateLookup(_Lookup):
    """A lookup given by a template with `{left}` and `{right}`."""

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
    """`LIKE` a pattern. A btree in C collation serves a pattern with a fixed beginning."""

    lookup_name = "like"
    template = "{left} LIKE {right}"


@TextField.register_lookup
class ILikeLookup(_TemplateLookup):
    """`ILIKE` a pattern. Trigram indexes serve it; they don't serve Django's `icontains`, which compares UPPER(…)."""

    lookup_name = "ilike"
    template = "{left} ILIKE {right}"


@ArrayField.register_lookup
class AnyElementLike(_TemplateLookup):
    """An array has an element that is `LIKE` a pattern. No index serves it."""

    lookup_name = "any_like"
    template = "EXISTS (SELECT 1 FROM unnest({left}) AS element(text) WHERE element.text LIKE {right})"


@JSONField.register_lookup
class HasJsonValue(_TemplateLookup):
    """An object matches a JSON path, such as one that compares every value. A GIN index (jsonb_ops) serves it."""

    lookup_name = "has_value"
    template = "{left} @@ {right}::jsonpath"


class JsonExtractText(Func):
    """The value of a key as text. Unlike in Django's transform, a key such as `0` is never an array index."""

    function = "jsonb_extract_path_text"
    output_field = TextField()


class CallsFunctionLike(Func):
    """A step calls a tool of type function whose name is `LIKE` a pattern. Names and types are parallel arrays."""

    output_field = BooleanField()
    conditional = True

    def __init__(self, pattern: str) -> None:
        """Set the LIKE pattern of the name."""
        super().__init__(F("tool_names"), F("tool_types"), Value(pattern))

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> _CompiledSql:  # type: ignore[override]  # noqa: ARG002
        """Return the SQL and its parameters."""
        names, types, pattern = (compiler.compile(expression) for expression in self.get_source_expressions())
        statement = (
            f"EXISTS (SELECT 1 FROM unnest({names[0]}, {types[0]}) AS call(name, type)"  # noqa: S608
            f" WHERE call.type = 'function' AND call.name LIKE {pattern[0]})"
        )
        return statement, (*names[1], *types[1], *pattern[1])


class PerRowExists(Exists):
    """`EXISTS`, evaluated row by row: because of OFFSET the planner neither joins nor hashes the subquery."""

    template = "EXISTS(%(subquery)s OFFSET 0)"


def probe_per_row(condition: Q) -> Q:
    """Return `condition` with every `EXISTS` in it evaluated row by row."""
    copy = condition.copy()
    copy.children = [_probe_child(child) for child in condition.children]
    return copy


def _probe_child(child: Any) -> Any:
    match child:
        case Q():
            return probe_per_row(child)
        case IsNotTrue():
            return IsNotTrue(probe_per_row(child.condition))
        case Exists():
            return PerRowExists(child.query)
    return child


class _IsAnyOf(Func):
    """A value is one of many, which are sent as one literal: it takes a fraction of the time of a parameter each."""

    arg_joiner = " = ANY("
    output_field = BooleanField()
    conditional = True

    def __init__(self, column: str, array: str) -> None:
        """Set the column, and the values as the literal of an array."""
        super().__init__(F(column), Value(array))


class IsAnyId(_IsAnyOf):
    """A UUID is one of many."""

    template = "%(expressions)s::uuid[])"


class IsAnyText(_IsAnyOf):
    """A text is one of many."""

    template = "%(expressions)s::text[])"


class SelectiveHint(Func):
    """Always true for a column that is never null, but the planner estimates that it keeps one row in 200."""

    template = "num_nulls(%(expressions)s) = 0"
    output_field = BooleanField()
    conditional = True


class IsNotTrue(Func):
    """False or unknown. Unlike NOT it includes rows where a nullable column makes the condition unknown."""

    template = "(%(expressions)s) IS NOT TRUE"
    output_field = BooleanField()
    conditional = True

    def __init__(self, condition: Q) -> None:
        self.condition = condition
        super().__init__(ExpressionWrapper(condition, output_field=BooleanField()))


def collate_bytewise(column: str) -> Collate:
    """Return a text column that sorts by bytes, and so in the same order on every server."""
    return Collate(column, "C")
