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

/// A user in the presence channel of the run, on a connection to a single node. The user enters again when the
/// connection is lost. The entries, the departures and the changes of other users told to the user are recorded.
///
/// Thread: construct, destroy and tell_members() from a single thread; recording happens on the client's own thread.
class ChaosUser {
public:
    /// Connects at once. `user` is the id, without characters that JSON escapes; `recorder` must outlive the user.
    ChaosUser(const Target& target, std::string user, Recorder& recorder);
    ChaosUser(const ChaosUser&) = delete;
    ChaosUser& operator=(const ChaosUser&) = delete;
    /// Closes the connection and waits for the client's thread.
    ~ChaosUser();

    /// Records the users whom this user holds for present, as a kRead.
    void tell_members();

private:
    /// Takes the list of users from a confirmation and records the entry.
    void on_subscribed(const tulle::Subscribed& subscribed);
    /// Takes a change of presence of another user and records the change.
    void on_change(const MemberChange& change, bool has_come);
    /// Records an entry or a departure of this user.
    void record(EventKind kind);

    const std::uint32_t node_;
    const std::string user_;
    Recorder& recorder_;
    std::mutex mutex_;
    /// Guarded by mutex_.
    std::set<std::string> members_;
    /// True while subscribed. The client's thread alone.
    bool is_in_ = false;
    Subscription subscription_;
    std::unique_ptr<Client> client_;
};

/// A guest comes to a node, stays for 1 to 4 s, is away for up to 1 s, and comes to a node drawn again, always under
/// the same name.
///
/// Thread: a thread of its own, from construction to destruction.
class ChaosGuest {
public:
    /// `seed` draws the ways and gives the name "guest-SEED+1". At least one target is needed; `recorder` must outlive
    /// the guest.
    ChaosGuest(std::vector<Target> targets, std::uint32_t seed, Recorder& recorder);
    ChaosGuest(const ChaosGuest&) = delete;
    ChaosGuest& operator=(const ChaosGuest&) = delete;
    /// Ends the stay under way and the thread.
    ~ChaosGuest();

private:
    /// The thread: stay after stay.
    void run(std::uint32_t seed);

    std::vector<Target> targets_;
    Recorder& recorder_;
    StopFlag stop_;
    std::thread thread_;
};

}  // namespace tulle::chaos
