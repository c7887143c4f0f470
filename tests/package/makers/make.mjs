// Makes zips with npm's packages: node make.mjs MAKER FOLDER OUTPUT
import fs from "node:fs";
import path from "node:path";

const [maker, folder, output] = process.argv.slice(2);

function* walk(below = "") {
  for (const base of fs.readdirSync(path.join(folder, below)).sort()) {
    const name = path.posix.join(below, base);
    const file = path.join(folder, name);
    const status = fs.statSync(file);
    if (status.isDirectory()) yield* walk(name);
    else yield { name, file, mode: status.mode, data: fs.readFileSync(file) };
  }
}

const load = async (name) => {
  const module = await import(name);
  return module.default ?? module;
};

const written = (stream) =>
  new Promise((done, failed) => {
    const file = fs.createWriteStream(output);
    file.on("close", done).on("error", failed);
    stream.pipe(file);
  });

async function archiver(options, add) {
  const module = await import("archiver");
  const archive = module.default?.("zip", options) ?? new module.ZipArchive(options);
  const done = written(archive);
  add(archive);
  await archive.finalize();
  await done;
}

async function jszip(options, details) {
  const zip = new (await load("jszip"))();
  for (const one of walk()) zip.file(one.name, one.data, details(one));
  fs.writeFileSync(output, await zip.generateAsync({ type: "nodebuffer", ...options }));
}

async function yazl(details) {
  const zip = new (await load("yazl")).ZipFile();
  const done = written(zip.outputStream);
  for (const one of walk()) zip.addFile(one.file, one.name, details(one));
  zip.end();
  await done;
}

async function fflate(details) {
  const { zipSync } = await import("fflate");
  const files = {};
  for (const one of walk()) files[one.name] = [new Uint8Array(one.data), details(one)];
  fs.writeFileSync(output, zipSync(files));
}

async function zipjs(options) {
  const { ZipWriter, Uint8ArrayWriter, Uint8ArrayReader } = await import("@zip.js/zip.js");
  const writer = new ZipWriter(new Uint8ArrayWriter(), options);
  for (const one of walk()) {
    const mode = options.modes ? { externalFileAttribute: one.mode * 65536, versionMadeBy: 0x314 } : {};
    await writer.add(one.name, new Uint8ArrayReader(new Uint8Array(one.data)), mode);
  }
  fs.writeFileSync(output, await writer.close());
}

const makers = {
  archiver: () => archiver({}, (archive) => archive.directory(folder, false)),
  "archiver-store": () => archiver({ store: true }, (archive) => archive.directory(folder, false)),
  "archiver-append": () =>
    archiver({}, (archive) => {
      for (const one of walk()) archive.append(one.data, { name: one.name });
    }),
  "archiver-mode": () =>
    archiver({}, (archive) => {
      for (const one of walk()) archive.append(one.data, { name: one.name, mode: 0o755 });
    }),
  "archiver-zip64": () => archiver({ forceZip64: true }, (archive) => archive.directory(folder, false)),
  jszip: () => jszip({}, () => ({})),
  "jszip-deflate": () => jszip({ compression: "DEFLATE" }, () => ({})),
  "jszip-unix": () => jszip({ platform: "UNIX" }, (one) => ({ unixPermissions: one.mode })),
  "jszip-unix-no-modes": () => jszip({ platform: "UNIX" }, () => ({})),
  "jszip-stream": () =>
    jszip({ platform: "UNIX", streamFiles: true }, (one) => ({ unixPermissions: one.mode })),
  "jszip-dos": () => jszip({ platform: "DOS" }, (one) => ({ unixPermissions: one.mode })),
  "adm-zip": async () => {
    const zip = new (await load("adm-zip"))();
    zip.addLocalFolder(folder);
    zip.writeZip(output);
  },
  "adm-zip-attributes": async () => {
    const zip = new (await load("adm-zip"))();
    for (const one of walk()) zip.addFile(one.name, one.data, "", one.mode << 16 >>> 0);
    zip.writeZip(output);
  },
  yazl: () => yazl(() => ({})),
  "yazl-store": () => yazl(() => ({ compress: false })),
  "yazl-zip64": () => yazl(() => ({ forceZip64Format: true })),
  fflate: () => fflate(() => ({})),
  "fflate-unix": () => fflate((one) => ({ os: 3, attrs: one.mode * 65536 })),
  "fflate-attributes": () => fflate((one) => ({ attrs: one.mode * 65536 })),
  bestzip: async () => (await load("bestzip"))({ source: "*", destination: output, cwd: folder }),
  "bestzip-node": async () =>
    (await load("bestzip")).nodeZip({ source: "*", destination: output, cwd: folder }),
  "zip-lib": async () => (await load("zip-lib")).archiveFolder(folder, output),
  "zip-lib-links": async () =>
    (await load("zip-lib")).archiveFolder(folder, output, { followSymlinks: true }),
  "cross-zip": async () => (await load("cross-zip")).zipSync(`${folder}/.`, output),
  "deterministic-zip": async () => {
    const zip = await load("deterministic-zip");
    await new Promise((done, failed) =>
      zip(folder, output, { includes: ["**"], cwd: folder }, (error) => (error ? failed(error) : done())),
    );
  },
  "zip-a-folder": async () => (await import("zip-a-folder")).zip(folder, output),
  "zip.js": () => zipjs({}),
  "zip.js-store": () => zipjs({ level: 0 }),
  "zip.js-zip64": () => zipjs({ zip64: true }),
  "zip.js-modes": () => zipjs({ modes: true }),
  compressing: async () => {
    const { zip } = await load("compressing");
    await zip.compressDir(folder, output, { ignoreBase: true });
  },
};

await makers[maker]();
