"""The permissions of a run's code: models, tools and other agents that it may use. `host_functions` enforces them."""

from dataclasses import dataclass, field

from shared.models.agent import AgentFields
from shared.models.session import ProviderConfig


@dataclass(frozen=True)
class Permissions:
    """The permissions of one run's code. `viewer`: the user whose agents it may call, in addition to shared agents.

    `tools`: tool names by the URL of their MCP server. `agents`: the ids of the agents.
    """

    viewer: str
    tools: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    models: list[ProviderConfig] = field(default_factory=list[ProviderConfig])
    agents: list[str] = field(default_factory=list[str])

    @classmethod
    def of(cls, agent: AgentFields, owner: str) -> "Permissions":
        """Returns the permissions of a saved agent. It acts for its owner, no matter who calls it and who pays."""
        return cls(viewer=owner, tools=agent.tools, models=agent.invokable_models, agents=agent.gofannon_agents)
