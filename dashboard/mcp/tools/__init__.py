"""The tools, one module each, in the order in which clients list them."""

from dashboard.mcp.tools.compare_runs import COMPARE_RUNS
from dashboard.mcp.tools.describe_query_language import DESCRIBE_QUERY_LANGUAGE
from dashboard.mcp.tools.explain_failure import EXPLAIN_FAILURE
from dashboard.mcp.tools.get_run import GET_RUN
from dashboard.mcp.tools.get_usage import GET_USAGE
from dashboard.mcp.tools.list_configuration_changes import LIST_CONFIGURATION_CHANGES
from dashboard.mcp.tools.list_error_groups import LIST_ERROR_GROUPS
from dashboard.mcp.tools.list_tools_health import LIST_TOOLS_HEALTH
from dashboard.mcp.tools.list_values import LIST_VALUES
from dashboard.mcp.tools.search_runs import SEARCH_RUNS

TOOLS = {
    tool.name: tool
    for tool in (
        SEARCH_RUNS,
        DESCRIBE_QUERY_LANGUAGE,
        LIST_VALUES,
        GET_RUN,
        EXPLAIN_FAILURE,
        COMPARE_RUNS,
        LIST_ERROR_GROUPS,
        GET_USAGE,
        LIST_TOOLS_HEALTH,
        LIST_CONFIGURATION_CHANGES,
    )
}
