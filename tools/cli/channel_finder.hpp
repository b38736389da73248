#pragma once

#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "client/io/http_connection.hpp"
#include "tools/cli/commands.hpp"

namespace tulle::cli {

/// Finds the channels of an app whose names begin with a prefix, by the HTTP API. A channel is found while somebody is
/// subscribed to the channel anywhere in the cluster.
///
/// Thread: one.
/// Limits: `timeout` bounds each request, and an answer has at most 64 MiB.
/// Errors: the constructor throws std::invalid_argument for options of which no URL can be made.
class ChannelFinder {
public:
    ChannelFinder(const AppOptions& app, std::string prefix, std::chrono::milliseconds timeout);

    /// Asks a node; the next one if that node gives no answer. Returns the channels that were not returned before.
    [[nodiscard]] std::vector<std::string> find();
    /// Why the last question failed; empty when there was an answer.
    [[nodiscard]] const std::string& error() const { return error_; }

private:
    const AppOptions app_;
    const std::string prefix_;
    std::vector<std::unique_ptr<client::HttpConnection>> nodes_;
    /// The node to ask.
    std::size_t current_ = 0;
    std::set<std::string> known_;
    std::string error_;
};

}  // namespace tulle::cli
