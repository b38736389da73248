#pragma once

#include <optional>
#include <string>

namespace tulle::sim {

/// Plays a scenario of a few lines and returns what happened, for a golden file: one line for each event that a node
/// notes, with times in hundredths of a second and without the random ids, then what each node and each client has at
/// the end.
///
///   nodes N              how many, first of all; all start at 0 and know each other
///   at T WHAT...         T in seconds; WHAT is one of
///     subscribe H[/S] CHANNEL      unsubscribe H[/S] CHANNEL     (host, shard)
///     publish H CHANNEL [TIMES]
///     kill H    start H    leave H    freeze H    thaw H
///     cut A B   cut-one-way A B    heal A B    reset A B    mute A B    unmute A B
///   run T                how long; the last line
///
/// Nothing, and `error` says why, when a line is not understood.
[[nodiscard]] std::optional<std::string> play_scenario(const std::string& text, std::string& error);

}  // namespace tulle::sim
