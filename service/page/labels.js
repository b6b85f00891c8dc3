// Names beside the points of a chart, each on a side where it covers no other name, and no other point if that can be.

const LETTER = 7.2, LINE = 16, LONGEST = 26; // pixels of a letter and a line at the size in which names are written; signs

const SIDES = {
  "top center": ({ x, y, radius }, width) => ({ left: x - width / 2, top: y - radius - LINE }),
  "bottom center": ({ x, y, radius }, width) => ({ left: x - width / 2, top: y + radius }),
  "middle right": ({ x, y, radius }) => ({ left: x + radius, top: y - LINE / 2 }),
  "middle left": ({ x, y, radius }, width) => ({ left: x - radius - width, top: y - LINE / 2 }),
};

const apart = (one, other) => one.left + one.width < other.left || other.left + other.width < one.left
  || one.top + one.height < other.top || other.top + other.height < one.top;

// `points` are {name, x, y, radius} in pixels, the weightiest first. Gives for each its name and its side; the name is
// empty where no side is free.
export function labels(points, breadth) {
  const circles = points.map(({ x, y, radius }) => ({ left: x - radius, top: y - radius, width: 2 * radius, height: 2 * radius }));
  const taken = [];
  return points.map((point, i) => {
    const name = point.name.length > LONGEST ? `${point.name.slice(0, LONGEST - 1)}…` : point.name;
    const width = name.length * LETTER;
    const free = Object.entries(SIDES).map(([side, corner]) => ({ side, width, height: LINE, ...corner(point, width) }))
      .filter((box) => box.left >= 0 && box.left + width <= breadth && taken.every((other) => apart(box, other)));
    const best = free.find((box) => circles.every((circle, at) => at === i || apart(box, circle))) ?? free[0];
    if (!best) return { name: "", side: "top center" };
    taken.push(best);
    return { name, side: best.side };
  });
}
