"""What the code of a run may use: models, tools and other agents. `host_functions` enforces it."""

from dataclasses import dataclass, field

from shared.models.agent import AgentFields
from shared.models.session import ProviderConfig


@dataclass(frozen=True)
class Permissions:
    """What the code of one run may use. `viewer`: the user whose agents it may call, in addition to shared ones.

    `tools`: tool names by the URL of their MCP server. `agents`: ids.
    """

    viewer: str
    tools: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    models: list[ProviderConfig] = field(default_factory=list[ProviderConfig])
    agents: list[str] = field(default_factory=list[str])

    @classmethod
    def of(cls, agent: AgentFields, owner: str) -> "Permissions":
        """Returns what a saved agent may use. It acts for its owner, no matter who calls it and who pays."""
        return cls(viewer=owner, tools=agent.tools, models=agent.invokable_models, agents=agent.gofannon_agents)
