#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tools/chaos/recorder.hpp"

namespace tulle::chaos {

/// Asks every node at the admin listener, 20 times a second, for the node's view of the mesh, and records each change.
/// The first answer after a missing answer is recorded too, changed or not.
///
/// Thread: a thread for each node, so a frozen node holds up no other. is_whole() from any thread.
/// Errors: a node without an answer within 500 ms is no error.
class Watcher {
public:
    /// `admins` are addresses of admin listeners, node 1 first, which get `token`. Starts at once; `recorder` must
    /// outlive the Watcher.
    Watcher(const std::vector<std::string>& admins, const std::string& token, Recorder& recorder);
    Watcher(const Watcher&) = delete;
    Watcher& operator=(const Watcher&) = delete;
    /// Ends the threads. Waits as long as an answer may take.
    ~Watcher();

    /// True when the last answer of every node says: every other node is alive.
    [[nodiscard]] bool is_whole() const;

private:
    /// The thread of a node.
    void watch(std::uint32_t node, const std::string& admin, const std::string& token);
    /// Takes an answer; records the answer when changed.
    void note(std::uint32_t node, Event view);

    Recorder& recorder_;
    StopFlag stop_;
    mutable std::mutex mutex_;
    /// By node. Without an oid: the node did not answer.
    std::vector<Event> latest_;
    std::vector<std::thread> threads_;
};

}  // namespace tulle::chaos
