#include "tools/chaos/report.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <utility>

#include <boost/json.hpp>

namespace tulle::chaos {
namespace {

namespace json = boost::json;

/// Milliseconds, exact to a microsecond.
double in_milliseconds(Duration duration) {
    return static_cast<double>(std::chrono::duration_cast<std::chrono::microseconds>(duration).count()) / 1'000.0;
}

/// The times as JSON, in milliseconds.
json::object times(const Samples& samples) {
    return {{"median", in_milliseconds(samples.median())},
            {"p99", in_milliseconds(samples.percentile(99))},
            {"max", in_milliseconds(samples.percentile(100))},
            {"count", samples.values.size()}};
}

/// The seed as a number. A history of another program may name the run by another text; the report gives such a text as
/// a string.
json::value seed_of(const Report& report) {
    std::uint64_t seed = 0;
    const char* end = report.seed.data() + report.seed.size();
    const auto parsed = std::from_chars(report.seed.data(), end, seed);
    return parsed.ec == std::errc{} && parsed.ptr == end ? json::value(seed) : json::value(report.seed);
}

/// The times with every value, so that the times of several runs can be put together.
json::object all_times(const Samples& samples) {
    json::object out = times(samples);
    json::array values;
    for (const Duration value : samples.values) {
        values.emplace_back(in_milliseconds(value));
    }
    out["values"] = std::move(values);
    return out;
}

double mebibytes(std::uint64_t bytes) {
    return static_cast<double>(bytes) / (1 << 20);
}

/// The bound for a single promise. In a short run with a long split a tenth of the checks of P6 concern stays that
/// ended before the heal.
constexpr double kMaxOfOnePercent = 10;

/// A share in percent; 0 for a whole of zero.
double percent_of(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? 0 : 100 * static_cast<double>(part) / static_cast<double>(whole);
}

/// Appends a line by a printf format. Texts beyond 255 bytes are cut, so long texts are appended by hand.
template <class... Values>
void print(std::string& out, const char* format, Values... values) {
    std::array<char, 256> line{};
    std::snprintf(line.data(), line.size(), format, values...);
    out += line.data();
}

/// A line of the table of times; a dash without values.
void print_times(std::string& out, const char* name, const Samples& samples) {
    if (samples.values.empty()) {
        print(out, "  %-34s %10s\n", name, "-");
        return;
    }
    print(out, "  %-34s %10.1f %10.1f %10.1f %9zu\n", name, in_milliseconds(samples.median()),
          in_milliseconds(samples.percentile(99)), in_milliseconds(samples.percentile(100)), samples.values.size());
}

/// The exemptions of all promises by rule, then the notes.
void print_exemptions(std::string& out, const Report& report) {
    print(out, "\n  exempted in all: %.2f %%\n", report.exempted_percent());
    for (const Verdict& verdict : report.invariants) {
        for (const auto& [rule, count] : verdict.exemptions) {
            print(out, "  exempted from %s: %llu (%.2f %%), ", verdict.id.c_str(),
                  static_cast<unsigned long long>(count), percent_of(count, verdict.checked));
            out += rule + "\n";
        }
        for (const auto& [what, count] : verdict.notes) {
            print(out, "  noted by %s: %llu, ", verdict.id.c_str(), static_cast<unsigned long long>(count));
            out += what + "\n";
        }
    }
}

}  // namespace

void Verdict::violate(std::string detail) {
    ++violations;
    if (details.size() < kMaxDetails) {
        details.push_back(std::move(detail));
    }
}

void Verdict::exempt(const std::string& rule) {
    ++exempted;
    ++exemptions[rule];
}

Duration Samples::percentile(std::size_t percent) const {
    if (values.empty()) {
        return {};
    }
    std::vector<Duration> sorted = values;
    std::sort(sorted.begin(), sorted.end());
    // The nearest rank: the smallest value with at least `percent` of all values at or below.
    const std::size_t rank = (sorted.size() * percent + 99) / 100;
    return sorted[std::max<std::size_t>(rank, 1) - 1];
}

double Verdict::exempted_percent() const {
    return percent_of(exempted, checked);
}

double Report::exempted_percent() const {
    std::uint64_t checked = 0;
    std::uint64_t exempted = 0;
    for (const Verdict& verdict : invariants) {
        checked += verdict.checked;
        exempted += verdict.exempted;
    }
    return percent_of(exempted, checked);
}

std::vector<std::string> Report::too_much_exempted() const {
    std::vector<std::string> out;
    // Adds a complaint when a share exceeds the bound.
    const auto judge = [&out](const std::string& what, double percent, double most) {
        if (percent > most) {
            std::string text = what;
            print(text, ": %.1f %% exempted, of %.0f %% that may be", percent, most);
            out.push_back(std::move(text));
        }
    };
    judge("all promises together", exempted_percent(), kMaxExemptedPercent);
    for (const Verdict& verdict : invariants) {
        if (verdict.checked >= kShareMatters) {
            judge(verdict.id, verdict.exempted_percent(), kMaxOfOnePercent);
        }
    }
    return out;
}

bool Report::ok() const {
    return too_much_exempted().empty() &&
           std::all_of(invariants.begin(), invariants.end(), [](const Verdict& verdict) { return verdict.ok(); });
}

std::string report_text(const Report& report) {
    std::string out = "\nseed " + report.seed + "\n";
    print(out, "%u nodes, %.0f s, %llu faults, %llu messages accepted, %llu deliveries\n\n", report.nodes,
          in_milliseconds(report.length) / 1'000, static_cast<unsigned long long>(report.faults),
          static_cast<unsigned long long>(report.messages), static_cast<unsigned long long>(report.deliveries));
    // The table of promises.
    print(out, "  %-4s %-46s %9s %9s  %s\n", "", "promise", "checked", "exempted", "verdict");
    for (const Verdict& verdict : report.invariants) {
        print(out, "  %-4s %-46s %9llu %9llu  ", verdict.id.c_str(), verdict.promise.c_str(),
              static_cast<unsigned long long>(verdict.checked), static_cast<unsigned long long>(verdict.exempted));
        out += verdict.ok() ? "ok\n" : std::to_string(verdict.violations) + " VIOLATED\n";
    }
    // The table of times.
    print(out, "\n  %-34s %10s %10s %10s %9s\n", "times in ms", "median", "p99", "max", "count");
    print_times(out, "kill seen by a survivor", report.detection);
    print_times(out, "freeze seen by a survivor", report.freeze_detection);
    print_times(out, "cut-off node seen by another", report.cut_detection);
    print_times(out, "all see all after a fault", report.convergence);
    print_times(out, "late deliveries (over 20 ms)", report.repair);
    print_times(out, "publish to delivery", report.delivery);
    print(out, "\n  %llu kills, %llu long freezes; sessions made anew across cuts: %llu, elsewhere: %llu\n",
          static_cast<unsigned long long>(report.kills), static_cast<unsigned long long>(report.freezes),
          static_cast<unsigned long long>(report.sessions_across),
          static_cast<unsigned long long>(report.sessions_elsewhere));
    print(out, "  memory of a node: %.0f MiB at most; grown by %.0f of %.0f MiB while another was frozen\n",
          mebibytes(report.memory_peak), mebibytes(report.memory_growth), mebibytes(report.memory_allowed));
    // Shares and reasons of exemptions, so that a reader sees how much the verdicts rest on.
    print_exemptions(out, report);
    for (const std::string& skipped : report.skipped) {
        out += "  skipped: " + skipped + "\n";
    }
    // Violations come last, next to the verdict, where a reader looks first.
    for (const Verdict& verdict : report.invariants) {
        for (const std::string& detail : verdict.details) {
            out += "  " + verdict.id + ": " + detail + "\n";
        }
    }
    for (const std::string& what : report.too_much_exempted()) {
        out += "  not judged: " + what + "\n";
    }
    out += report.ok() ? "\npass\n" : "\nFAIL\n";
    return out;
}

std::string report_json(const Report& report) {
    json::array invariants;
    for (const Verdict& verdict : report.invariants) {
        json::object item{{"id", verdict.id},
                          {"ok", verdict.ok()},
                          {"checked", verdict.checked},
                          {"exempted", verdict.exempted},
                          {"exempted_percent", verdict.exempted_percent()},
                          {"violations", verdict.violations}};
        json::object notes;
        for (const auto& [what, count] : verdict.notes) {
            notes[what] = count;
        }
        item["notes"] = std::move(notes);
        json::object exemptions;
        for (const auto& [rule, count] : verdict.exemptions) {
            exemptions[rule] = count;
        }
        item["exemptions"] = std::move(exemptions);
        item["details"] = json::array(verdict.details.begin(), verdict.details.end());
        invariants.push_back(std::move(item));
    }
    json::object out{{"verdict", report.ok() ? "pass" : "fail"},
                     {"seed", seed_of(report)},
                     {"nodes", report.nodes},
                     {"seconds", in_milliseconds(report.length) / 1'000},
                     {"faults", report.faults},
                     {"kills", report.kills},
                     {"freezes", report.freezes},
                     {"messages", report.messages},
                     {"deliveries", report.deliveries}};
    out["exempted_percent"] = report.exempted_percent();
    const std::vector<std::string> not_judged = report.too_much_exempted();
    out["not_judged"] = json::array(not_judged.begin(), not_judged.end());
    out["invariants"] = std::move(invariants);
    out["detection_ms"] = all_times(report.detection);
    out["freeze_detection_ms"] = all_times(report.freeze_detection);
    out["cut_detection_ms"] = all_times(report.cut_detection);
    out["convergence_ms"] = times(report.convergence);
    out["repair_ms"] = times(report.repair);
    out["delivery_ms"] = times(report.delivery);
    out["sessions_remade"] =
        json::object{{"across_cuts", report.sessions_across}, {"elsewhere", report.sessions_elsewhere}};
    out["memory_mib"] = json::object{{"peak", mebibytes(report.memory_peak)},
                                     {"growth", mebibytes(report.memory_growth)},
                                     {"allowed", mebibytes(report.memory_allowed)}};
    out["skipped"] = json::array(report.skipped.begin(), report.skipped.end());
    return json::serialize(out);
}

}  // namespace tulle::chaos
