#pragma once

#include "tools/cli/command_list.hpp"

/// The commands, by group. Each function adds the commands of a group, in the order of the help.
namespace tulle::cli {

// The headings of the groups in the help.
inline constexpr const char* kAskNodes = "Ask nodes";
inline constexpr const char* kMakeNodes = "Make a node do something";
inline constexpr const char* kSeeClients = "See and steer clients";
inline constexpr const char* kUseApp = "Use an app";
inline constexpr const char* kOnThisMachine = "Work on this machine";

/// Commands that ask nodes and change nothing: status, doctor, trace, keys, redis, check.
void add_questions(CommandList& commands);
/// `tulle check` alone, for add_questions().
void add_checks(CommandList& commands);
/// Commands that make a node do something: reload.
void add_operations(CommandList& commands);
/// Commands about the clients of the nodes: channels, presence, conns, top.
void add_client_commands(CommandList& commands);
/// Commands that act as client or backend of an app: sub, pub, bench.
void add_app_commands(CommandList& commands);
/// Commands on this machine: up, config, import, keygen, completion, chaos, version.
void add_local_commands(CommandList& commands);
/// `tulle config`, `tulle import` and `tulle completion`, for add_local_commands().
void add_config_commands(CommandList& commands);

}  // namespace tulle::cli
