"""The figures a sample may hold: unit, meaning, and the OpenTelemetry metric that says the same.

PROTOCOL.md prints this table and a test compares the two. A device leaves out a figure it has no source for; what
people read shows such a figure as null. A reader passes on figures it does not know.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One row: `otel` is the metric of the OpenTelemetry semantic conventions (status: development), '' without one."""

    name: str
    unit: str
    meaning: str
    otel: str = ""


_ROWS = (
    Figure("decode_tps", "1/s", "tokens written per second, the median of the last 9 answers",
           "gen_ai.server.time_per_output_token"),
    Figure("prefill_tps", "1/s", "tokens of the prompt read per second, the median of the last 9 answers"),
    Figure("first_token_s", "s", "time to the first token, the median of the last 9 answers",
           "gen_ai.server.time_to_first_token"),
    Figure("answer_s", "s", "time to read a text and answer, the median of the last 9 answers of an encoder",
           "gen_ai.server.request.duration"),
    Figure("queue_s", "s", "time a command waited for its turn, the median of the last 9 answers"),
    Figure("decode_drift", "1", "`decode_tps` divided by what the bundle claims for this board"),
    Figure("requests", "count", "commands finished since the agent started", "gen_ai.server.request.duration"),
    Figure("failures", "count", "commands failed since the agent started", "gen_ai.server.request.duration"),
    Figure("prompt_tokens", "count", "tokens read since the agent started", "gen_ai.client.token.usage"),
    Figure("completion_tokens", "count", "tokens written since the agent started", "gen_ai.client.token.usage"),
    Figure("queue_depth", "count", "commands accepted and not finished"),
    Figure("rss_bytes", "B", "resident memory of the agent, the model included", "process.memory.usage"),
    Figure("agent_cpu_percent", "% of a core", "processor time of the agent since the last sample",
           "process.cpu.utilization"),
    Figure("cpu_percent", "%", "busy share of all cores since the last sample", "system.cpu.utilization"),
    Figure("load_1m", "1", "load average of one minute"),
    Figure("memory_available_bytes", "B", "what new work can have without swapping", "system.linux.memory.available"),
    Figure("swap_used_bytes", "B", "swap in use; absent without swap", "system.paging.usage"),
    Figure("disk_free_bytes", "B", "free space of the root file system", "system.filesystem.usage"),
    Figure("uptime_s", "s", "since the machine booted", "system.uptime"),
    Figure("temperature_c", "C", "the hottest believable sensor of the processor", "hw.temperature"),
    Figure("throttled", "0 or 1", "the board runs slower than it could, to cool down or to save its supply"),
    Figure("throttle_events", "count", "times the board slowed down since the agent started"),
    Figure("under_voltage", "0 or 1", "the supply is below its limit"),
    Figure("power_w", "W", "power drawn, by the sensor that `sensors` in the capability names", "hw.host.power"),
    Figure("energy_j", "J", "energy used since the agent started, where a sensor counts it", "hw.host.energy"),
    Figure("energy_per_token_j", "J", "energy of the last intervals with work, divided by the tokens written in them"),
    Figure("power_mode", "1", "number of the power mode its operator chose"),
    Figure("gpu_percent", "%", "busy share of the GPU", "hw.gpu.utilization"),
    Figure("npu_percent", "%", "busy share of the NPU, the mean of its cores"),
    Figure("dram_mhz", "MHz", "clock of the memory"),
    Figure("spool_records", "count", "records waiting for an ack"),
    Figure("drops", "count", "records and messages given up since the agent started"),
    Figure("sent_bytes", "B", "payloads handed to the broker since the agent started", "system.network.io"),
    Figure("received_bytes", "B", "payloads received since the agent started", "system.network.io"),
    Figure("reconnects", "count", "connections lost since the agent started"),
    Figure("malformed", "count", "messages that broke this contract, since the agent started"),
    Figure("probe_failures", "count", "readings that failed in an unforeseen way, since the agent started"),
)  # fmt: skip

FIGURES = {figure.name: figure for figure in _ROWS}
