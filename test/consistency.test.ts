import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { it } from "node:test";
import { agreesWithFresh } from "./fresh-index.ts";
import { openCore, temporaryFolder } from "./open-core.ts";
import { seeded } from "./seeded.ts";

/** Changes the tree the way people and their tools do; returns what an editor would report. */
function change(root: string, random: (below: number) => number, step: number): string[] {
  const files = listed(root);
  const any = () => join(root, files[random(files.length)] ?? "none.ts");
  const place = () => join(root, `d${random(4)}`, random(3) === 0 ? `e${random(3)}` : "", `f${random(30)}.ts`);
  const write = (path: string) => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `/** Step ${step}. */\nexport function made${random(60)}() {\n  return ${step};\n}\n`);
    return [path];
  };
  switch (random(9)) {
    case 0:
    case 1:
    case 2:
      return write(place());
    case 3:
      return existsSync(any()) ? write(any()) : [];
    case 4: {
      const path = any();
      rmSync(path, { force: true });
      return [path];
    }
    case 5: {
      const [from, to] = [any(), place()];
      if (!existsSync(from) || existsSync(to)) return [];
      mkdirSync(dirname(to), { recursive: true });
      renameSync(from, to);
      return [from, to];
    }
    case 6: {
      const [from, to] = [join(root, `d${random(4)}`), join(root, `d${random(4)}`)];
      if (!existsSync(from) || existsSync(to)) return [];
      renameSync(from, to);
      return [from, to];
    }
    case 7: {
      const path = join(root, `d${random(4)}`);
      rmSync(path, { recursive: true, force: true });
      return [path];
    }
    default: {
      const path = join(root, ".gitignore");
      if (random(2) === 0) rmSync(path, { force: true });
      else writeFileSync(path, `d${random(4)}/\nf${random(30)}.ts\n`);
      return [path];
    }
  }
}

function listed(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => statSync(join(folder, path)).isFile())
    .sort();
}

for (const seed of [1, 5, 8, 14]) {
  it(`after any changes, told or found, the index is what a fresh one is (seed ${seed})`, async (test) => {
    const [root, cache] = [temporaryFolder(test), temporaryFolder(test)];
    const random = seeded(seed);
    let opened = await openCore(test, root, cache);
    for (let round = 0; round < 8; round++) {
      const told: string[] = [];
      for (let i = 0; i <= random(25); i++) {
        told.push(...change(root, random, round * 100 + i));
        // Some changes arrive one by one, while the ones before are still being indexed.
        if (random(3) === 0) opened.workspace.changed(told.splice(0));
      }
      if (random(4) === 0) {
        await opened.core.close();
        opened = await openCore(test, root, cache);
      } else if (random(3) === 0) opened.workspace.rescan();
      else opened.workspace.changed(told);
      await agreesWithFresh(test, root, opened.workspace, `round ${round}`, ["made7", "what is made in a step"]);
    }
  });
}
