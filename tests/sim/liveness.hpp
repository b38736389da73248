#pragma once

#include <cstdint>
#include <vector>

#include "tests/sim/network.hpp"

namespace tulle::sim {

class World;

/// P5: who lives is not declared dead, and who is dead is found out in time.
///
/// Every verdict is held against what came over the wire: a process that runs and was heard less than a second ago must
/// not be dead for anybody. Every kill, freeze and black hole is an expectation for each observer that nothing else
/// disturbs.
class Liveness {
public:
    explicit Liveness(World& world) : world_(world) {}

    /// The process on `host` is about to be killed.
    void killed(HostId host);
    void frozen(HostId host);
    /// Hosts whose bits differ in `side` can't speak to each other any more.
    void parted(std::uint64_t side);
    /// Nothing gets through from `from` to `to` on control any more, but data does.
    void deafened(HostId from, HostId to);
    /// `observer` has declared `subject` dead, because it is `stuck` or otherwise.
    void verdict(HostId observer, OriginId subject, bool stuck);

    /// How long it took to find out, each: of kills, and of freezes and black holes.
    [[nodiscard]] const std::vector<Duration>& kills() const { return kills_; }
    [[nodiscard]] const std::vector<Duration>& silences() const { return silences_; }
    [[nodiscard]] const std::vector<Duration>& deaf() const { return deaf_; }
    [[nodiscard]] std::uint64_t verdicts() const { return verdicts_; }
    /// Verdicts on peers that data was heard of, as control was silent.
    [[nodiscard]] std::uint64_t deafnesses() const { return deafnesses_; }
    /// Verdicts on peers that told nothing of what subscriptions waited for, as their data path was silent all that
    /// time.
    [[nodiscard]] std::uint64_t untold() const { return untold_; }

private:
    enum class Cause : std::uint8_t { kKill, kFreeze, kBlackHole, kDeaf };
    struct Expectation {
        Cause cause;
        HostId observer;
        HostId subject;
        OriginId observer_oid;
        OriginId subject_oid;
        Instant at;
        std::uint64_t side = 0;
    };

    void expect(Cause cause, HostId observer, HostId subject, std::uint64_t side);
    void check(const Expectation& expectation);
    /// Nothing but its cause stands between the event and its discovery.
    [[nodiscard]] bool applies(const Expectation& expectation) const;
    [[nodiscard]] bool still_deaf(const Expectation& expectation) const;
    [[nodiscard]] bool still_parted(const Expectation& expectation) const;

    World& world_;
    std::vector<Expectation> open_;
    std::vector<Duration> kills_;
    std::vector<Duration> silences_;
    std::vector<Duration> deaf_;
    std::uint64_t verdicts_ = 0;
    std::uint64_t deafnesses_ = 0;
    std::uint64_t untold_ = 0;
};

}  // namespace tulle::sim
