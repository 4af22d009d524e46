// Where a widget begins: each kind of view has its function.

const VIEWS = {
  map: renderMap,
  sampler: renderSampler,
  encoder: renderEncoder,
  kl: renderKl,
};

export default { render: (context) => VIEWS[context.model.get("kind")](context) };
