#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <tulle/client.hpp>

#include "tools/chaos/load.hpp"
#include "tools/chaos/recorder.hpp"

namespace tulle::chaos {

/// A user in the presence channel of the run, on one connection to one node: goes there again when that is lost. What
/// it is told of others is recorded on the client's thread.
class ChaosUser {
public:
    ChaosUser(const Target& target, std::string user, Recorder& recorder);
    ChaosUser(const ChaosUser&) = delete;
    ChaosUser& operator=(const ChaosUser&) = delete;
    ~ChaosUser();

    /// Records whom it holds for present.
    void tell_members();

private:
    void on_subscribed(const tulle::Subscribed& subscribed);
    void on_change(const MemberChange& change, bool has_come);
    void record(EventKind kind);

    const std::uint32_t node_;
    const std::string user_;
    Recorder& recorder_;
    std::mutex mutex_;
    std::set<std::string> members_;  ///< under the lock
    bool is_in_ = false;             ///< the client's thread alone
    Subscription subscription_;
    std::unique_ptr<Client> client_;
};

/// Guests come to a node under a name, stay for 1 to 4 s, and go to another. One thread.
class ChaosGuest {
public:
    ChaosGuest(std::vector<Target> targets, std::uint32_t seed, Recorder& recorder);
    ChaosGuest(const ChaosGuest&) = delete;
    ChaosGuest& operator=(const ChaosGuest&) = delete;
    ~ChaosGuest();

private:
    void run(std::uint32_t seed);

    std::vector<Target> targets_;
    Recorder& recorder_;
    StopFlag stop_;
    std::thread thread_;
};

}  // namespace tulle::chaos
