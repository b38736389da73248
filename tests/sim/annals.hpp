#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "mesh/base/time.hpp"
#include "mesh/core/history/history_page.hpp"
#include "mesh/core/node/port.hpp"

namespace tulle::sim {

struct Accepted;
struct Process;
class World;

/// P12: the answers about the histories of channels, held against all that was accepted. An answer that claims to be
/// whole from a moment on must hold every message with a stamp from this moment on.
///
/// Not judged, and counted: an answer in which a node is missing; an answer of a node without a session with each
/// living node, as each part of a split mesh speaks for itself; and a message of an origin that was killed, or left
/// without a session with the node that answers, if the message was accepted without copies, or with copies of which so
/// many have ended.
class Annals {
public:
    explicit Annals(World& world);
    Annals(const Annals&) = delete;
    Annals& operator=(const Annals&) = delete;
    ~Annals();

    /// The process has accepted a message. `local`: the time by the clock of the process.
    void note(const Process& origin, Instant local, const Accepted& message);
    /// Judges the answer to a question that was asked at `asked`.
    void judge(const Process& asker, const std::string& channel, Instant asked, const mesh::QueryResult& result);
    /// True when the process has a session with each other living process.
    [[nodiscard]] bool sees_all(const Process& process) const;

    /// The messages of the channel that were asked for after `from`, accepted before `until`, and are not in `got`; but
    /// for those that may have gone with nodes that have ended, in the eyes of `at`.
    struct Missing {
        std::vector<std::string> messages;
        std::uint64_t judged = 0;
        std::uint64_t excused = 0;
    };
    [[nodiscard]] Missing missing(const Process& at, const std::string& channel, Instant from, Instant until,
                                  const std::set<std::pair<OriginId, mesh::RecordNo>>& got) const;

    /// How many answers came, and what became of them.
    struct Tally {
        std::uint64_t answers = 0;
        std::uint64_t partial = 0;
        std::uint64_t split = 0;
        std::uint64_t unclaimed = 0;
        /// Messages that a claim was about, and of those the messages of killed origins.
        std::uint64_t claimed = 0;
        std::uint64_t of_killed = 0;
        /// Messages excused.
        std::uint64_t excused = 0;
    };
    [[nodiscard]] const Tally& tally() const { return tally_; }

private:
    struct Entry;
    /// True when the message may have gone with those that have ended.
    [[nodiscard]] bool is_excused(const Process& asker, const Entry& entry) const;

    World& world_;
    std::map<std::string, std::vector<Entry>> accepted_;
    Tally tally_;
};

}  // namespace tulle::sim
