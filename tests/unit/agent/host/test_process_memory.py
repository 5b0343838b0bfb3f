"""What this process takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm_agent.host import PeakAnonymous, anonymous_bytes, peak_rss_bytes, pss_bytes, rss_bytes
from support.fake_machine import lay_out

if TYPE_CHECKING:
    from pathlib import Path

MEGABYTE = 1 << 20


def test_this_process_has_a_size() -> None:
    assert 0 < anonymous_bytes() < rss_bytes() <= peak_rss_bytes()
    assert 0 < pss_bytes() <= peak_rss_bytes()


def test_figures_of_the_status_file_are_bytes(tmp_path: Path) -> None:
    lay_out(tmp_path, {"proc/self/status": "VmHWM:\t  200 kB\nVmRSS:\t  100 kB\nRssAnon:\t   60 kB\n"})
    assert (rss_bytes(tmp_path), peak_rss_bytes(tmp_path), anonymous_bytes(tmp_path)) == (102400, 204800, 61440)


def test_an_old_kernel_without_the_split_gives_the_whole(tmp_path: Path) -> None:
    lay_out(tmp_path, {"proc/self/status": "VmRSS:\t  100 kB\n"})
    assert anonymous_bytes(tmp_path) == peak_rss_bytes(tmp_path) == 102400


def test_shares_are_added_up_where_the_kernel_does_not(tmp_path: Path) -> None:
    mapping = "7f00-7f10 r-xp 0 08:02 1 /lib/x.so\nRss:   8 kB\nPss:   {share} kB\nSwapPss: 9 kB\n"
    lay_out(tmp_path, {"proc/self/smaps": mapping.format(share=4) + mapping.format(share=2)})
    assert pss_bytes(tmp_path) == 6 * 1024
    lay_out(tmp_path, {"proc/self/smaps_rollup": "Pss:   5 kB\nPss_Anon: 3 kB\n"})
    assert pss_bytes(tmp_path) == 5 * 1024


def test_the_peak_of_a_block_is_seen_after_it_went() -> None:
    before = anonymous_bytes()
    with PeakAnonymous(interval_s=0.001) as peak:
        block = bytearray(64 * MEGABYTE)
        block[::4096] = b"x" * len(block[::4096])
        seen_inside = anonymous_bytes()
        while peak.bytes < seen_inside - MEGABYTE:
            pass
        del block
    assert peak.bytes - before > 60 * MEGABYTE
    assert anonymous_bytes() - before < 30 * MEGABYTE
