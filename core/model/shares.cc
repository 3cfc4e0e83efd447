#include "core/model/shares.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <string_view>

#include "core/model/limits.h"

namespace henge {
namespace {

// Splits `total` in proportion to `weights` (not all zero) by the method of largest remainders; ties go to the first.
std::vector<int64_t> Apportion(int64_t total, const std::vector<int64_t>& weights) {
  const int64_t sum = std::accumulate(weights.begin(), weights.end(), int64_t{0});
  std::vector<int64_t> parts(weights.size());
  std::vector<size_t> order(weights.size());
  std::iota(order.begin(), order.end(), size_t{0});
  int64_t left = total;
  for (size_t i = 0; i < weights.size(); ++i) {
    parts[i] = total * weights[i] / sum;
    left -= parts[i];
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return total * weights[a] % sum > total * weights[b] % sum; });
  for (int64_t i = 0; i < left; ++i) ++parts[order[i]];
  return parts;
}

int NumberZones(const std::vector<Member>& members, std::vector<int>* zone_of) {
  std::map<std::string_view, int> numbers;
  int count = 0;
  for (const Member& member : members) {
    int number = count;
    if (!member.zone.empty()) number = numbers.emplace(member.zone, count).first->second;
    if (number == count) ++count;
    zone_of->push_back(number);
  }
  return count;
}

// Water-filling: who would get more than fits is fixed at what fits, and the rest is split anew among the others, until
// nobody is over.
class Filler {
 public:
  Filler(const std::vector<Member>& members, Shares* shares) : shares_(shares), fixed_(members.size(), false) {
    for (const Member& member : members) weights_.push_back(std::max<int64_t>(member.weight, 1));
    zones_.resize(shares->zone_count);
    for (size_t i = 0; i < members.size(); ++i) zones_[shares->zone_of[i]].push_back(i);
  }

  void Fill() {
    int64_t slots = int64_t{kPartitionCount} * shares_->replicas;
    std::vector<bool> full(zones_.size(), false);
    std::vector<int64_t> room(zones_.size(), int64_t{kPartitionCount} * shares_->per_zone_max);
    for (bool changed = true; changed;) {
      changed = FixZones(&slots, &full, room) || FixMembers(&slots, full, &room);
    }
    std::vector<int64_t> zone_weights(zones_.size(), 0);
    int64_t sum = 0;
    for (size_t z = 0; z < zones_.size(); ++z) {
      if (full[z]) continue;
      zone_weights[z] = WeightOf(z);
      sum += zone_weights[z];
    }
    if (sum == 0) return;
    const std::vector<int64_t> parts = Apportion(slots, zone_weights);
    for (size_t z = 0; z < zones_.size(); ++z) {
      if (zone_weights[z] > 0) Split(z, parts[z], slots, sum);
    }
  }

 private:
  int64_t WeightOf(size_t zone) const {
    int64_t sum = 0;
    for (size_t i : zones_[zone]) sum += fixed_[i] ? 0 : weights_[i];
    return sum;
  }

  int64_t ActiveWeight(const std::vector<bool>& full) const {
    int64_t sum = 0;
    for (size_t z = 0; z < zones_.size(); ++z) sum += full[z] ? 0 : WeightOf(z);
    return sum;
  }

  void Fix(size_t member) {
    fixed_[member] = true;
    shares_->quotas[member] = kPartitionCount;
    shares_->exact[member] = {kPartitionCount, 1};
  }

  // Fills the zones whose members would get more than the zone may hold.
  bool FixZones(int64_t* slots, std::vector<bool>* full, const std::vector<int64_t>& room) {
    const int64_t sum = ActiveWeight(*full);
    const int64_t total = *slots;
    bool changed = false;
    for (size_t z = 0; z < zones_.size(); ++z) {
      if ((*full)[z] || total * WeightOf(z) <= room[z] * sum) continue;
      (*full)[z] = true;
      *slots -= room[z];
      FillZone(z, room[z]);
      changed = true;
    }
    return changed;
  }

  bool FixMembers(int64_t* slots, const std::vector<bool>& full, std::vector<int64_t>* room) {
    const int64_t sum = ActiveWeight(full);
    const int64_t total = *slots;
    bool changed = false;
    for (size_t z = 0; z < zones_.size(); ++z) {
      if (full[z]) continue;
      for (size_t i : zones_[z]) {
        if (fixed_[i] || total * weights_[i] <= kPartitionCount * sum) continue;
        Fix(i);
        *slots -= kPartitionCount;
        (*room)[z] -= kPartitionCount;
        changed = true;
      }
    }
    return changed;
  }

  // `slots` for the members of one zone that are not fixed.
  void FillZone(size_t zone, int64_t slots) {
    for (bool changed = true; changed;) {
      changed = false;
      const int64_t sum = WeightOf(zone);
      const int64_t total = slots;
      for (size_t i : zones_[zone]) {
        if (fixed_[i] || total * weights_[i] <= kPartitionCount * sum) continue;
        Fix(i);
        slots -= kPartitionCount;
        changed = true;
      }
    }
    const int64_t sum = WeightOf(zone);
    if (sum > 0) Split(zone, slots, slots, sum);
    for (size_t i : zones_[zone]) fixed_[i] = true;
  }

  // Gives the open members of `zone` `part` slots, which is `total * weight / sum` rounded.
  void Split(size_t zone, int64_t part, int64_t total, int64_t sum) {
    std::vector<int64_t> weights;
    for (size_t i : zones_[zone]) weights.push_back(fixed_[i] ? 0 : weights_[i]);
    const std::vector<int64_t> quotas = Apportion(part, weights);
    int64_t over = 0;  // rounding the zone up may have pushed a member over the cap
    for (size_t k = 0; k < quotas.size(); ++k) {
      const size_t i = zones_[zone][k];
      if (fixed_[i]) continue;
      shares_->quotas[i] = std::min<int64_t>(quotas[k], kPartitionCount);
      over += quotas[k] - shares_->quotas[i];
      shares_->exact[i] = {static_cast<uint64_t>(total * weights_[i]), static_cast<uint64_t>(sum)};
    }
    for (size_t i : zones_[zone]) {
      if (fixed_[i]) continue;
      const int64_t more = std::min(over, kPartitionCount - shares_->quotas[i]);
      shares_->quotas[i] += more;
      over -= more;
    }
  }

  Shares* shares_;
  std::vector<int64_t> weights_;
  std::vector<bool> fixed_;
  std::vector<std::vector<size_t>> zones_;
};

// With a zone for each replica: one. With fewer zones: the smallest number that is enough for all replicas and lets
// every zone hold its weighted share, so that copies are spread over the zones as far as balance allows.
int PerZoneMax(const std::vector<Member>& members, const Shares& shares) {
  if (shares.zone_count >= shares.replicas) return 1;
  std::vector<int64_t> weights(shares.zone_count, 0);
  std::vector<int> sizes(shares.zone_count, 0);
  int64_t sum = 0;
  for (size_t i = 0; i < members.size(); ++i) {
    weights[shares.zone_of[i]] += members[i].weight;
    ++sizes[shares.zone_of[i]];
    sum += members[i].weight;
  }
  for (int max = 1; max < shares.replicas; ++max) {
    int places = 0;
    bool fits = true;
    for (int z = 0; z < shares.zone_count; ++z) {
      places += std::min(max, sizes[z]);
      fits = fits && (sizes[z] <= max || shares.replicas * weights[z] <= max * sum);
    }
    if (fits && places >= shares.replicas) return max;
  }
  return shares.replicas;
}

}  // namespace

Shares ComputeShares(const std::vector<Member>& members, uint32_t replicas) {
  Shares shares;
  shares.replicas = static_cast<int>(std::min<size_t>(replicas, members.size()));
  shares.quotas.assign(members.size(), 0);
  shares.exact.resize(members.size());
  shares.zone_count = NumberZones(members, &shares.zone_of);
  if (shares.replicas == 0) return shares;
  shares.per_zone_max = PerZoneMax(members, shares);
  Filler(members, &shares).Fill();
  return shares;
}

}  // namespace henge
