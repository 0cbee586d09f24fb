"""Whether a run's calls keep to what its tools declare. Pure: takes what was posted, asks nobody."""

from runs.enrichment.tool_schema.check import (
    CallFinding,
    CallFindings,
    FindingKind,
    PostedFunctionCall,
    validate_function_calls,
)

__all__ = ["CallFinding", "CallFindings", "FindingKind", "PostedFunctionCall", "validate_function_calls"]
