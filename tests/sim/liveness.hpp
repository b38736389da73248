#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "tests/sim/network.hpp"

namespace tulle::sim {

class World;

/// P5: a living process is not declared dead, and a dead process is found out in time.
///
/// Every verdict is held against the messages on the wire: a process that runs and was heard less than a second ago
/// must not be dead for anybody. Every kill, freeze and black hole is an expectation for each observer that nothing
/// else disturbs.
class Liveness {
public:
    explicit Liveness(World& world) : world_(world) {}

    /// The process on `host` is about to be killed.
    void killed(HostId host);
    /// The process on `host` has just been frozen.
    void frozen(HostId host);
    /// Hosts with different bits in `side` can't speak to each other any more.
    void parted(std::uint64_t side);
    /// Control messages from `from` to `to` are lost from here on, but data passes.
    void deafened(HostId from, HostId to);
    /// `observer` has declared `subject` dead; `stuck`: because the subject did not tell the things that subscriptions
    /// waited for.
    void verdict(HostId observer, OriginId subject, bool stuck);

    /// Detection times of kills.
    [[nodiscard]] const std::vector<Duration>& kills() const { return kills_; }
    /// Detection times of freezes and black holes.
    [[nodiscard]] const std::vector<Duration>& silences() const { return silences_; }
    /// Detection times of deaf control paths.
    [[nodiscard]] const std::vector<Duration>& deaf() const { return deaf_; }
    [[nodiscard]] std::uint64_t verdicts() const { return verdicts_; }
    /// Verdicts on peers with silent control although data was heard.
    [[nodiscard]] std::uint64_t deafnesses() const { return deafnesses_; }
    /// Verdicts on stuck peers without a frame on data for 4.9 s and more.
    [[nodiscard]] std::uint64_t untold() const { return untold_; }
    /// Kills while the ports of the killed process were announced to refuse.
    [[nodiscard]] std::uint64_t announced() const { return announced_; }
    /// Verdicts on a process whose announced rebind the observer could not hear of.
    [[nodiscard]] std::uint64_t unannounced() const { return unannounced_; }

private:
    enum class Cause : std::uint8_t { kKill, kFreeze, kBlackHole, kDeaf };
    /// The observer must hold the subject for dead within the limit of the cause, unless something else disturbs.
    struct Expectation {
        Cause cause;
        HostId observer;
        HostId subject;
        OriginId observer_oid;
        OriginId subject_oid;
        Instant at;
        /// For kBlackHole: the sides, as in parted().
        std::uint64_t side = 0;
    };

    /// Opens an expectation, if the observer has a session with the subject.
    void expect(Cause cause, HostId observer, HostId subject, std::uint64_t side);
    /// Judges an expectation at the end of the limit.
    void check(const Expectation& expectation);
    /// True when nothing but the cause stands between the event and the discovery.
    [[nodiscard]] bool applies(const Expectation& expectation) const;
    /// True when the path has been deaf without a break, and nothing else is wrong. A subject that has given the
    /// observer up meanwhile says no more on data, and nothing is wrong with that.
    [[nodiscard]] bool still_deaf(const Expectation& expectation) const;
    /// True when the black hole has been complete without a break.
    [[nodiscard]] bool still_parted(const Expectation& expectation) const;

    World& world_;
    std::vector<Expectation> open_;
    /// The last verdict of a process (first) on another one (second).
    std::map<std::pair<OriginId, OriginId>, Instant> given_up_;
    std::vector<Duration> kills_;
    std::vector<Duration> silences_;
    std::vector<Duration> deaf_;
    std::uint64_t verdicts_ = 0;
    std::uint64_t deafnesses_ = 0;
    std::uint64_t untold_ = 0;
    std::uint64_t announced_ = 0;
    std::uint64_t unannounced_ = 0;
};

}  // namespace tulle::sim
