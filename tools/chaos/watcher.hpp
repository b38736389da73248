#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tools/chaos/recorder.hpp"

namespace tulle::chaos {

/// Asks every node at its admin listener, 20 times a second, how it sees the others, and records each change; after an
/// answer has been missing, the next one too. One thread for each node, so that a frozen one holds up nobody.
class Watcher {
public:
    /// Addresses "HOST:PORT" by node. Starts at once.
    Watcher(const std::vector<std::string>& admins, Recorder& recorder);
    Watcher(const Watcher&) = delete;
    Watcher& operator=(const Watcher&) = delete;
    /// Ends the threads; as long as one answer may take.
    ~Watcher();

    /// Whether every node says of every other that it is alive, as of its last answer.
    [[nodiscard]] bool is_whole() const;

private:
    void watch(std::uint32_t node, const std::string& admin);
    void note(std::uint32_t node, Event view);

    Recorder& recorder_;
    StopFlag stop_;
    mutable std::mutex mutex_;
    std::vector<Event> latest_;  ///< by node; without an oid: did not answer
    std::vector<std::thread> threads_;
};

}  // namespace tulle::chaos
