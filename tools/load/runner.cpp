#include "tools/load/runner.hpp"

// A run writes stamped messages and counts the deliveries. The runs differ only in the moment at which messages become
// due: in a closed loop when the messages before have arrived, in an open loop by the clock. `due` of a publisher says
// how many messages should have been written since the beginning, and pump() writes the difference, as far as the
// transport takes more. A message keeps the intended time even when written late.
#include <algorithm>
#include <utility>

#include "tools/load/text.hpp"

namespace tulle::load {
namespace {

/// Five times a second, and the longest wait without a look at the clock.
constexpr Duration kProgressInterval = 200ms;
/// The most connections served between two looks at due messages. Messages that fall due while many deliveries arrive
/// are then not sent late for the deliveries' sake.
constexpr int kEventsBetweenSends = 64;
/// Leaves half of a piece to the wrapping of the protocol.
constexpr std::size_t kMaxTextBytes = kMaxPieceBytes / 2;

/// Appends "COUNT WHAT" unless the count is 0.
void add_count(std::string& out, std::uint64_t count, const std::string& what) {
    if (count > 0) {
        out += (out.empty() ? "" : ", ") + std::to_string(count) + " " + what;
    }
}

}  // namespace

bool RunReport::clean() const {
    return trouble().empty();
}

std::string RunReport::trouble() const {
    std::string out;
    add_count(out, missing(), "of " + std::to_string(expected) + " deliveries missing");
    add_count(out, unsent, "messages due but not taken by the server");
    const std::string rest = errors();
    return out + (out.empty() || rest.empty() ? "" : ", ") + rest;
}

std::string RunReport::errors() const {
    std::string out;
    add_count(out, tally.duplicates, "duplicates");
    add_count(out, tally.out_of_order, "out of order");
    add_count(out, tally.malformed, "malformed or for somebody else");
    add_count(out, lost_connections, "connections lost");
    add_count(out, complaints.count, "complaints, the first: " + complaints.first);
    for (const pid_t pid : cpu.gone) {
        out += (out.empty() ? "" : ", ") + std::string("no process ") + std::to_string(pid);
    }
    return out;
}

Runner::Runner(Swarm& swarm, const Dialect& dialect, const Plan& plan, Progress progress)
    : swarm_(swarm),
      dialect_(dialect),
      progress_(std::move(progress)),
      audience_(plan.audience()),
      next_number_(plan.streams()),
      publishers_(plan.publishers) {
    for (std::uint32_t stream = 0; stream < plan.streams(); ++stream) {
        channel_.push_back(plan.channel_of(stream));
        place_.push_back(stream % plan.published_channels);
    }
    for (std::uint32_t p = 0; p < plan.publishers; ++p) {
        publishers_[p].streams = plan.streams_of(p);
    }
}

std::string Runner::complaint(const RunOptions& options) const {
    if (options.length <= Duration::zero() || options.length > std::chrono::hours(24)) {
        return "seconds must be more than 0 and at most 86400";
    }
    if (options.kind == RunOptions::Kind::kIdle) {
        return {};
    }
    if (publishers_.empty()) {
        return "there is no publisher";
    }
    if (options.text_bytes < kStampBytes || options.text_bytes > kMaxTextBytes) {
        return "payload must be between " + std::to_string(kStampBytes) + " (sequence number) and " +
               std::to_string(kMaxTextBytes) + " bytes; latency is measured from " + std::to_string(kTimedStampBytes) +
               " on";
    }
    if (options.batch == 0 || options.window == 0) {
        return "b and window must be 1 at least";
    }
    if (options.rest < Duration::zero() || options.rest > 1s ||
        (options.rest > Duration::zero() && options.kind == RunOptions::Kind::kRate)) {
        return "resting is for closed loops, for a second at most: an open loop measures how long messages take";
    }
    if (options.kind == RunOptions::Kind::kRate && !(options.rate > 0 && options.rate <= 1e9)) {
        return "rate must be more than 0 and at most 1e9 messages a second";
    }
    return {};
}

RunReport Runner::run(const RunOptions& options, const std::vector<pid_t>& pids) {
    begin(options);
    // CPU is measured over the whole run, with the wait for the last messages.
    const CpuWindow window(pids);
    begin_ = monotonic_now();
    end_ = begin_ + options.length;
    next_progress_ = begin_ + kProgressInterval;
    const std::uint64_t answered_before = swarm_.answered();
    switch (options.kind) {
        case RunOptions::Kind::kBurst:
            burst();
            break;
        case RunOptions::Kind::kRate:
            open_loop();
            break;
        case RunOptions::Kind::kSaturate:
            saturate();
            break;
        case RunOptions::Kind::kIdle:
            idle();
            break;
    }
    report_.took = monotonic_now() - begin_;
    report_.cpu = window.used();
    report_.tally = swarm_.ledger().tally();
    report_.requests = swarm_.answered() - answered_before;
    // The swarm counts since the beginning; the report wants this run alone.
    report_.lost_connections = swarm_.lost() - lost_before_;
    report_.complaints = swarm_.take_complaints();
    return report_;
}

void Runner::begin(const RunOptions& options) {
    options_ = options;
    report_ = {};
    stopped_ = false;
    lost_before_ = swarm_.lost();
    (void)swarm_.take_complaints();
    // A single text for all messages: only the stamp changes.
    text_ = blank_text(std::max(options.text_bytes, kStampBytes));
    swarm_.ledger().begin(text_.size(), dialect_.tail_bytes(text_.size()));
    std::fill(next_number_.begin(), next_number_.end(), 0);
    // Streams on channels left out of this run are the last streams of a publisher, so a count is enough.
    for (Publisher& publisher : publishers_) {
        publisher.written = publisher.due = publisher.deliveries = publisher.audience = 0;
        publisher.next_stream = 0;
        publisher.used_streams = 0;
        for (const std::uint32_t stream : publisher.streams) {
            if (options.channels == 0 || place_[stream] < options.channels) {
                ++publisher.used_streams;
                publisher.audience += audience_[stream];
            }
        }
    }
}

void Runner::write(std::uint32_t p, Instant intended) {
    Publisher& publisher = publishers_[p];
    const std::uint32_t stream = publisher.streams[publisher.next_stream];
    // The streams in use take turns.
    publisher.next_stream = publisher.next_stream + 1 == publisher.used_streams ? 0 : publisher.next_stream + 1;
    write_stamp(text_.data(), text_.size(),
                {.run_and_stream = run_and_stream(swarm_.ledger().run(), stream), .number = next_number_[stream]++},
                intended);
    swarm_.append_message(p, channel_[stream], text_);
    ++publisher.written;
    publisher.deliveries += audience_[stream];
    ++report_.sent;
    report_.expected += audience_[stream];
}

template <class Intended>
void Runner::pump(std::uint32_t p, const Intended& intended) {
    Publisher& publisher = publishers_[p];
    while (publisher.written < publisher.due && swarm_.can_write(p)) {
        // Messages of a request, or all due messages, go out by a single flush.
        std::uint32_t left = swarm_.messages_at_once();
        while (publisher.written < publisher.due && left > 0 && swarm_.can_write(p)) {
            write(p, intended(publisher.written));
            --left;
        }
        swarm_.flush(p);
    }
}

template <class Intended>
void Runner::pump_all(const Intended& intended) {
    for (std::uint32_t p = 0; p < publishers_.size(); ++p) {
        if (publishers_[p].written < publishers_[p].due) {
            pump(p, [&intended, p](std::uint64_t n) { return intended(p, n); });
        }
    }
}

bool Runner::everything_written() const {
    return std::all_of(publishers_.begin(), publishers_.end(),
                       [](const Publisher& publisher) { return publisher.written >= publisher.due; });
}

bool Runner::everything_arrived() const {
    return swarm_.ledger().tally().received >= report_.expected && swarm_.unanswered() == 0;
}

void Runner::burst() {
    Instant now = begin_;
    while (going_on(now)) {
        for (Publisher& publisher : publishers_) {
            publisher.due += publisher.used_streams > 0 ? options_.batch : 0;
        }
        // In a closed loop a message is due when the burst begins.
        const auto intended = [now](std::uint32_t, std::uint64_t) { return now; };
        pump_all(intended);
        while (!everything_written() || !everything_arrived()) {
            rest();
            // Nothing came for the patience, or a connection is lost: the burst will never be complete. Missing
            // messages show in the tally.
            if (swarm_.poll(monotonic_now() + options_.patience) == 0 || swarm_.lost() != lost_before_) {
                return;
            }
            pump_all(intended);
        }
        now = monotonic_now();
    }
}

void Runner::open_loop() {
    // A group is `batch` messages of a single publisher; the publishers take turns.
    const Pacer pacer(begin_, options_.rate / options_.batch);
    const std::uint64_t publishers = publishers_.size();
    const auto intended = [&](std::uint32_t p, std::uint64_t n) {
        // The publisher's n-th message belongs to the publisher's group n / batch; see owe() for the turns.
        return pacer.intended(n / options_.batch * publishers + p);
    };
    Instant now = begin_;
    while (going_on(now)) {
        const std::uint64_t due = pacer.due(now);
        owe(due);
        pump_all(intended);
        // Waits until the next group is due, and serves what has come by then.
        swarm_.poll(std::min(pacer.intended(due), end_), kEventsBetweenSends);
        now = monotonic_now();
    }
    if (!stopped_) {
        // Groups that fell due while this process had no CPU are owed, too.
        owe(pacer.due(end_ - 1ns));
    }
    // The last messages may be waiting for room in the kernel.
    const Instant deadline = now + options_.patience;
    pump_all(intended);
    while (!everything_written() && now < deadline && !stopped_ && swarm_.lost() == lost_before_) {
        swarm_.poll(std::min(deadline, now + kProgressInterval));
        pump_all(intended);
        now = monotonic_now();
    }
    for (const Publisher& publisher : publishers_) {
        report_.unsent += publisher.due - publisher.written;
    }
    await_the_rest(now + options_.patience);
}

void Runner::owe(std::uint64_t groups) {
    const std::uint64_t publishers = publishers_.size();
    for (std::uint64_t p = 0; p < publishers; ++p) {
        Publisher& publisher = publishers_[p];
        // Publisher p has the groups p, p + publishers, p + 2 * publishers and so on.
        const std::uint64_t own = (groups + publishers - 1 - p) / publishers;
        publisher.due = publisher.used_streams > 0 ? own * options_.batch : 0;
    }
}

std::uint64_t Runner::under_way(std::uint32_t p) const {
    const Publisher& publisher = publishers_[p];
    if (publisher.audience == 0) {
        return 0;
    }
    // Deliveries divided by the average number of receivers of a message give messages.
    const std::uint64_t missing = publisher.deliveries - std::min(publisher.deliveries, swarm_.ledger().received_of(p));
    return missing * publisher.used_streams / publisher.audience;
}

void Runner::saturate() {
    Instant now = begin_;
    // When the server was last heard of. A silence of `patience` ends the run.
    Instant heard = now;
    const auto intended = [&now](std::uint32_t, std::uint64_t) { return now; };
    while (going_on(now)) {
        for (std::uint32_t p = 0; p < publishers_.size(); ++p) {
            Publisher& publisher = publishers_[p];
            // A publisher may write as many messages as the window has room for.
            const std::uint64_t room = options_.window - std::min<std::uint64_t>(options_.window, under_way(p));
            publisher.due = publisher.written + (publisher.used_streams > 0 ? room : 0);
        }
        pump_all(intended);
        rest();
        const bool anything = swarm_.poll(now + kProgressInterval) > 0;
        now = monotonic_now();
        heard = anything ? now : heard;
        if (now - heard > options_.patience) {
            break;
        }
    }
    for (Publisher& publisher : publishers_) {
        // Nothing more is due: the rest of the run only waits.
        publisher.due = publisher.written;
    }
    await_the_rest(now + options_.patience);
}

void Runner::rest() const {
    if (options_.rest > Duration::zero()) {
        swarm_.rest(options_.rest);
    }
}

void Runner::idle() {
    Instant now = begin_;
    while (going_on(now)) {
        swarm_.poll(std::min(end_, now + kProgressInterval));
        now = monotonic_now();
    }
}

void Runner::await_the_rest(Instant deadline) {
    Instant now = monotonic_now();
    // From here on going_on() watches the deadline of the wait.
    end_ = deadline;
    while (!everything_arrived() && going_on(now)) {
        swarm_.poll(std::min(deadline, now + kProgressInterval));
        now = monotonic_now();
    }
}

bool Runner::going_on(Instant now) {
    if (progress_ && now >= next_progress_) {
        stopped_ = stopped_ || !progress_(now - begin_, swarm_.ledger().tally().received);
        next_progress_ = now + kProgressInterval;
    }
    return now < end_ && !stopped_ && swarm_.lost() == lost_before_;
}

}  // namespace tulle::load
